"""The WSGI entry point: `gunicorn wsgi:app`."""

from bank.app import create_app

app = create_app()
