"""The room's pages."""

from flask import Blueprint

bp = Blueprint("inventory", __name__)
