"""`tandem` as an operator uses it: real processes on a database of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import db
from app.config import read
from app.demo import data
from app.shops.keys import keys
from tests.conftest import VAR, TestEngines
from tests.factories import make_program

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "demo",
    "serve",
    "worker",
    "migrate",
    "doctor",
    "user",
    "key",
    "terms",
    "import",
    "export",
    "scenario",
    "check",
    "replay",
    "simulate",
    "user.create",
    "user.role",
    "user.link",
    "user.password",
    "user.list",
    "key.create",
    "key.list",
    "key.revoke",
    "terms.show",
    "terms.check",
    "terms.diff",
    "terms.apply",
    "terms.simulate",
    "import.history",
    "export.history",
]

ORDER_OF_ONE = """
[[partners]]
code = "p"
[[events]]
at = 2026-03-10T12:00:00+03:00
order = { external_id = "1", status = "paid", partner = "p", total_minor = 10000 }
[[expect]]
commissions = [{ order = "1", partner = "p", kind = "direct", amount_minor = %s }]
"""


def tandem(
    *words: str, engines: TestEngines | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the command; with `engines` on their database."""
    given = dict(os.environ) | environ | {"COLUMNS": "200", "TANDEM_VAR": str(VAR)}
    if engines is not None:
        given |= {"DATABASE_URL": engines.app_url, "REDIS_URL": engines.redis_url}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    from click.testing import CliRunner

    from app.cli import main

    answer = CliRunner().invoke(main, [*command.split("."), "--help"])
    assert answer.exit_code == 0
    assert "Usage:" in answer.output


def test_wrong_usage_is_refused_with_two() -> None:
    assert tandem("key", "create").returncode == 2


def test_terms_are_checked_with_the_path_of_each_mistake(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text('currency = "RUB"\n')
    bad.write_text('levells = 1\n[[levels]]\ncode = "a"\nrate = "101%"\n')
    assert tandem("terms", "check", str(good)).returncode == 0
    refused = tandem("terms", "check", str(bad))
    assert refused.returncode == 1
    assert "levells" in refused.stderr
    assert "levels[0].rate" in refused.stderr


async def test_key_is_made_and_printed_once(committing: TestEngines) -> None:
    await make_program("north")
    made = tandem("key", "create", "north", "--scope", "read", engines=committing)
    assert made.stdout.startswith("pk_north_")
    listed = tandem("key", "list", engines=committing)
    assert made.stdout.strip() not in listed.stdout
    row = (await keys("north"))[0]
    assert row.scopes == ("read",)
    assert tandem("key", "revoke", str(row.id), engines=committing).returncode == 0
    assert (await keys("north"))[0].revoked_at is not None


async def test_refusal_is_a_sentence_and_ends_with_one(committing: TestEngines) -> None:
    refused = tandem("key", "create", "nowhere", engines=committing)
    assert refused.returncode == 1
    assert "There is no program nowhere." in refused.stderr
    assert "Traceback" not in refused.stderr


async def test_user_gets_a_role_and_a_link_that_works_once(committing: TestEngines) -> None:
    made = tandem("user", "create", "olga@example.com", "--role", "owner", engines=committing)
    assert "/sign-in/link/" in made.stdout
    assert await db.fetchval("SELECT count(*) FROM user_roles WHERE role = 'owner'") == 1


async def test_terms_make_a_program_and_are_shown_as_they_were_published(
    committing: TestEngines, tmp_path: Path
) -> None:
    file = tmp_path / "terms.toml"
    file.write_text('[[levels]]\ncode = "starter"\nrate = "6%"\n')
    words = ("terms", "apply", str(file), "--program", "west")
    assert tandem(*words, engines=committing).returncode == 1
    made = tandem(*words, "--create", "West", "--home", "https://west.example/", engines=committing)
    assert made.returncode == 0, made.stderr
    shown = tandem("terms", "show", "west", engines=committing)
    assert 'rate = "6%"' in shown.stdout
    again = tandem(*words, engines=committing)
    assert "version 2" in again.stdout


async def test_scenario_says_by_its_exit_code_what_came_out(committing: TestEngines, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.toml", tmp_path / "wrong.toml"
    right.write_text(ORDER_OF_ONE % 500)
    wrong.write_text(ORDER_OF_ONE % 501)
    assert tandem("scenario", str(right), engines=committing).returncode == 0
    failed = tandem("scenario", str(right), str(wrong), engines=committing)
    assert failed.returncode == 1
    assert "501" in failed.stdout


async def test_doctor_finds_a_missing_redis_and_dead_events(committing: TestEngines) -> None:
    await db.execute(
        "INSERT INTO events (kind, payload, occurred_at, due_at, state) VALUES ('x', '{}', now(), now(), 'dead')"
    )
    broken = TestEngines(committing.owner_url, committing.app_url, "redis://127.0.0.1:1")
    found = tandem("doctor", engines=broken)
    assert found.returncode == 4
    marks = {" ".join(line[1:].split()): line[0] for line in found.stdout.splitlines()}
    assert marks["Role tandem_app"] == "✓"
    assert marks["Append-only tables by role and trigger"] == "✓"
    assert marks["Dead events 1"] == "!"
    assert any(mark == "✗" and "cannot be reached" in what for what, mark in marks.items())


def test_wrong_setting_is_named() -> None:
    answer = tandem("doctor", TANDEM_BASE_URL="ftp://nowhere")
    assert answer.returncode == 4
    assert "TANDEM_BASE_URL" in answer.stderr


async def test_demo_has_a_past_that_adds_up_and_is_made_once(committing: TestEngines, tmp_path: Path) -> None:
    config = read({"TANDEM_VAR": str(tmp_path), "TANDEM_DEMO": "1", "TANDEM_SECRET_KEY": "x" * 40})
    await data.seed(config)
    orders = await db.fetchval("SELECT count(*) FROM orders")
    states = {row["state"] for row in await db.fetch("SELECT DISTINCT state FROM payouts")}
    moved = read({"TANDEM_VAR": str(tmp_path), "TANDEM_SECRET_KEY": "x" * 40, "PORT": "9000"})
    await data.seed(moved)
    assert orders > 150
    assert states == {"requested", "approved", "sent", "paid", "rejected"}
    assert await db.fetchval("SELECT count(*) FROM orders") == orders
    assert (tmp_path / "demo-shop.key").stat().st_mode & 0o777 == 0o600
    targets = {row["destination"] for row in await db.fetch("SELECT destination FROM links")}
    assert targets == {"http://127.0.0.1:9000/demo-shop"}
    for command in ("check", "replay"):
        proved = tandem(command, "--program", "demo", engines=committing)
        assert proved.returncode == 0, proved.stdout
