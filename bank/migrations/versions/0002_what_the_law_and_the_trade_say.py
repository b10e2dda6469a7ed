"""What the law and the trade say: resale caps, and a first route for each category.

Rows, not constants: a decree or a workshop changes them by adding dated rows.
"""

from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CAPS_FROM = date(2022, 11, 9)
CAPS_ARTICLE = "CG3P L3212-2 et D3212-3-1"
CAPS_SOURCE = "Décret du 7 novembre 2022, La Gazette des communes 834869"
CAPS = {
    "laptop": 18_000,
    "desktop": 15_000,
    "tablet": 10_000,
    "smartphone": 10_000,
    "screen": 3_000,
    "printer": 3_000,
    "multifunction": 17_000,
}

ROUTES_FROM = date(2020, 1, 1)
ROUTES_SOURCE = "Parcours par défaut"
ERASED = (
    "laptop",
    "desktop",
    "all_in_one",
    "teaching_screen",
    "tablet",
    "smartphone",
    "basic_phone",
    "printer",
    "multifunction",
    "router",
)
CONTROLLED = ("screen", "scanner", "projector", "accessory")


def upgrade() -> None:
    """Insert the reference rows."""
    connection = op.get_bind()
    tables = sa.MetaData()
    tables.reflect(connection, only=["cap", "route", "step"])
    cap, route, step = (tables.tables[name] for name in ("cap", "route", "step"))
    op.bulk_insert(
        cap,
        [
            {
                "category": category,
                "cap_cents": cents,
                "valid_from": CAPS_FROM,
                "article": CAPS_ARTICLE,
                "source": CAPS_SOURCE,
            }
            for category, cents in CAPS.items()
        ],
    )
    for category in ERASED + CONTROLLED:
        values = {"category": category, "valid_from": ROUTES_FROM, "source": ROUTES_SOURCE}
        route_id = connection.execute(sa.insert(route).values(values)).inserted_primary_key[0]
        kinds = ("erasure", "control") if category in ERASED else ("control",)
        following = None
        # Backwards, so that each step knows the one after it.
        for position, kind in reversed(list(enumerate(kinds, start=1))):
            values = {"route_id": route_id, "position": position, "kind": kind, "next_id": following}
            following = connection.execute(sa.insert(step).values(values)).inserted_primary_key[0]
