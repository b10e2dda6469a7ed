"""The rules of the house that a reviewer would otherwise have to remember."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from bank import reactions
from bank.actor import Permission
from bank.errors import Code
from bank.identity import rules as identity_rules
from bank.identity.models import PersonRole
from bank.inventory.register import COLUMNS
from bank.journal import Kind
from bank.web import guard, problems, words

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "bank").rglob("*.py"))
REGISTER = ROOT / "bank/inventory/register.py"
MAY_COMMIT = {ROOT / "bank/db.py", ROOT / "bank/schema.py"}
# `state` is a column of batches, requests and jobs too; these are the register's alone.
REGISTER_ONLY = frozenset(COLUMNS) - {"state"} | {"head", "seq"}
WRITERS = {"insert", "update", "delete"}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in SOURCES:
        if "migrations" not in path.parts:
            yield path, ast.parse(path.read_text())


def test_only_the_database_module_commits() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        if path not in MAY_COMMIT
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "rollback"}
    ]
    assert found == []


def test_nobody_uses_the_session_of_the_extension() -> None:
    """It is bound to the request: whoever read through it has begun a transaction that cannot take the lock."""
    found = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == "session"
        and isinstance(node.value, (ast.Name, ast.Attribute))
        and (getattr(node.value, "id", "") == "db" or getattr(node.value, "attr", "") == "db")
    ]
    assert found == []


def test_only_the_register_writes_a_device() -> None:
    """No assignment to its columns, no statement on its table, no new row, outside the one door."""
    found = []
    for path, tree in trees():
        if path == REGISTER:
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.Assign, ast.AugAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found += [
                    f"{path}:{node.lineno} {target.attr}"
                    for target in targets
                    if isinstance(target, ast.Attribute) and target.attr in REGISTER_ONLY
                ]
            if isinstance(node, ast.Call) and _names_device(node):
                found.append(f"{path}:{node.lineno} statement on device")
    assert found == []


def _names_device(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "Device":
        return True
    return name in WRITERS and any(
        isinstance(arg, ast.Name) and arg.id in {"Device", "device"} for arg in call.args
    )


def test_no_rule_opens_a_unit_of_work_and_no_action_does_either() -> None:
    """The edge opens and closes: views, API, jobs, commands."""
    edges = {
        "views.py",
        "tray_views.py",
        "tray_intake.py",
        "shipment_views.py",
        "shipment_api.py",
        "import_views.py",
        "import_api.py",
        "stations.py",
        "desk_views.py",
        "price_views.py",
        "look_views.py",
        "looks.py",
        "incident_views.py",
        "guide_views.py",
        "settings.py",
        "settings_views.py",
        "stock_api.py",
        "stock_views.py",
        "offline_views.py",
        "label_views.py",
        "place_views.py",
        "api.py",
        "jobs.py",
        "cli.py",
        "opening.py",
        "scale.py",
        "work.py",
        "db.py",
        "signin.py",
        "replay.py",
        "intake.py",
    }
    found = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        if path.name not in edges
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"transaction", "read"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "db"
    ]
    assert found == []


@pytest.fixture
def one_app(app: Flask) -> Flask:
    return app


def test_every_endpoint_declares_who_may_call_it(one_app: Flask) -> None:
    silent = [name for name in one_app.view_functions if guard.access_of(one_app, name) is None]
    assert silent == []


def test_whoever_is_let_in_without_a_permission_is_for_a_reason(one_app: Flask) -> None:
    accesses = {name: guard.access_of(one_app, name) for name in one_app.view_functions}
    assert [
        name for name, access in accesses.items() if access and not access.permission and not access.why
    ] == []


def test_every_permission_is_used_and_held_by_a_role(one_app: Flask) -> None:
    held = frozenset().union(*identity_rules.ROLES.values())
    assert held == set(Permission)
    assert set(identity_rules.ROLES) == set(identity_rules.NEEDS) == set(PersonRole)


def test_no_state_changes_on_get(one_app: Flask) -> None:
    """A rule that answers GET answers nothing else, so that reading and changing are never one function."""
    mixed = [
        rule.rule
        for rule in one_app.url_map.iter_rules()
        if rule.methods and "GET" in rule.methods and rule.methods & {"PUT", "DELETE", "PATCH"}
    ]
    assert mixed == []


def test_every_refusal_has_a_status_and_words(one_app: Flask) -> None:
    assert set(problems.STATUS) == set(words.PROBLEMS) == set(Code)


def test_every_reaction_is_to_a_kind_that_exists_and_can_be_loaded() -> None:
    for kind, jobs in reactions.REACTIONS.items():
        Kind(kind)
        for name, job in jobs:
            room = name.partition(".")[0]
            assert importlib.import_module(f"bank.{room}.jobs").__dict__[job.__name__] is job


def test_every_template_is_used() -> None:
    folder = ROOT / "bank/web/templates"
    texts = [path.read_text() for path in [*SOURCES, *folder.rglob("*.html")]]
    unused = [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*.*"))
        if not any(str(path.relative_to(folder)) in text for text in texts)
    ]
    assert unused == []


# French is treacherous here: one word for one thing.
FIXED = {
    ("state", "announced"): "annoncé",
    ("state", "received"): "réceptionné",
    ("state", "in_work"): "en atelier",
    ("state", "ready"): "disponible",
    ("state", "reserved"): "réservé",
    ("state", "handed_over"): "remis",
    ("state", "on_loan"): "prêté",
    ("state", "harvested"): "pour pièces",
    ("state", "recycled"): "recyclé",
    ("state", "missing"): "introuvable",
    ("category", "desktop"): "unité centrale",
}


def test_the_fixed_words_are_the_ones_on_the_screens(one_app: Flask) -> None:
    with one_app.test_request_context(), force_locale("fr"):
        assert {key: words.word(key[1], key[0]).lower() for key in FIXED} == FIXED


def test_no_screen_calls_a_ready_device_pret() -> None:
    folder = ROOT / "bank/web/templates"
    found = [str(path) for path in folder.rglob("*.html") if " prêt " in path.read_text().lower()]
    assert found == []
