"""The room's pages."""

from flask import Blueprint

bp = Blueprint("allocation", __name__)
