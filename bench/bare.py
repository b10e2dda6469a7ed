"""The raw limits over HTTP: bare Flask views, the same statements by psycopg, nothing else.

No token, no rule, no hash, no schema: what a scan costs before it is one.
"""

import os

from flask import Flask, Response, jsonify, request
from psycopg_pool import ConnectionPool

SELECT = (
    "SELECT device.id, device.seq, device.step_id, device.state"
    " FROM label JOIN device ON label.device_id = device.id"
    " WHERE label.code = %s FOR UPDATE OF device"
)
UPDATE = "UPDATE device SET step_id = %s, seq = %s WHERE id = %s AND seq = %s"
INSERT = (
    "INSERT INTO journal_entry (subject, subject_id, seq, kind, facts, at_us, person_id, organisation_id, hash)"
    " VALUES ('device', %s, %s, 'device.pass', '{}', 0, 1, 1, '\\x00')"
)


LIST = (
    "SELECT label.code, device.category, device.maker, device.model, device.state, step.kind, device.batch_ref,"
    " device.open_drives FROM device JOIN label ON label.device_id = device.id AND label.state = 'claimed'"
    " LEFT JOIN step ON step.id = device.step_id WHERE device.custodian_id = %s ORDER BY device.id DESC LIMIT 50"
)


def create() -> Flask:
    """The application; gunicorn makes one in each of its processes, with a pool of its own."""
    app = Flask("bare")
    pool = ConnectionPool(os.environ["BARE_DATABASE_URL"], min_size=4, max_size=4, open=True)

    @app.post("/scans")
    def scan() -> Response:
        """One step of one device."""
        code = request.get_json()["code"]
        with pool.connection() as connection, connection.cursor() as cursor:
            device_id, seq, step_id, state = cursor.execute(SELECT, (code,)).fetchone()
            cursor.execute(UPDATE, (step_id, seq + 1, device_id, seq))
            cursor.execute(INSERT, (device_id, seq + 1))
        return jsonify(code=code, state=state)

    @app.get("/devices/<int:custodian_id>")
    def devices(custodian_id: int) -> Response:
        """Fifty devices of one organisation."""
        with pool.connection() as connection, connection.cursor() as cursor:
            return jsonify(cursor.execute(LIST, (custodian_id,)).fetchall())

    return app
