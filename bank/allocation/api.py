"""The room's resources under /api/v1."""

from bank.web.api import Blueprint

bp = Blueprint("allocation", __name__, "")
