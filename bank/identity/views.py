"""The room's pages."""

from flask import Blueprint

bp = Blueprint("identity", __name__)
