"""Every worked example, on the real application and through the rules alone."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from app import db
from app.commissions.service import only_program
from app.scenario.files import Scenario, ScenarioError, load, read
from app.scenario.runner import Report, run

OWN = Path(__file__).parents[2] / "scenarios"
SHARED = Path(__file__).parents[4] / "shared" / "scenarios"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/scenarios is not there")


def described(report: Report) -> str:
    rows = [
        f"{row.place} {row.what}: {row.expected} expected, {row.actual}"
        for row in report.rows
        if not row.holds
    ]
    return "\n".join([*rows, *report.failures])


@pytest.mark.parametrize("path", sorted(OWN.glob("*.toml")), ids=lambda path: path.stem)
async def test_own_scenario_holds(path: Path, transaction: None, portal: object) -> None:
    report = await run(portal, load(path))
    assert report.rows
    assert report.holds, described(report)


@needs_shared
@pytest.mark.parametrize(
    "path",
    sorted(SHARED.glob("*.toml")),
    ids=lambda path: path.stem,
)
async def test_shared_scenario_holds(path: Path, transaction: None, portal: object) -> None:
    report = await run(portal, load(path))
    assert report.rows
    assert report.holds, described(report)


def small(**changes: Any) -> Scenario:
    """One order of 100.00 for one partner at 5 %."""
    document: dict[str, Any] = {
        "partners": [{"code": "p"}],
        "events": [
            {
                "at": tomllib.loads("at = 2026-03-10T12:00:00+03:00")["at"],
                "order": {"external_id": "1", "status": "paid", "partner": "p", "total_minor": 10_000},
            }
        ],
        "expect": [
            {"commissions": [{"order": "1", "partner": "p", "kind": "direct", "amount_minor": 500}]},
        ],
    }
    return read(document | changes, "small")


async def test_wrong_expectation_is_shown_beside_what_came_out(transaction: None, portal: object) -> None:
    wrong = [{"commissions": [{"order": "1", "partner": "p", "kind": "direct", "amount_minor": 501}]}]
    report = await run(portal, small(expect=wrong))
    assert not report.holds
    assert [(row.expected, row.actual, row.by_rules) for row in report.rows] == [
        ("501", "500", False),
        ("501", "500", True),
    ]


async def test_commission_that_is_not_listed_is_a_failure(transaction: None, portal: object) -> None:
    scenario = small(
        terms={"tiers": {"rates": ["10%"]}},
        partners=[{"code": "boss"}, {"code": "p", "parent": "boss"}],
    )
    report = await run(portal, scenario)
    assert [(row.what, row.holds) for row in report.rows if not row.by_rules] == [
        ("order 1: p direct", True),
        ("order 1: boss tier 1", False),
    ]


async def test_refusal_that_does_not_come_is_a_failure(transaction: None, portal: object) -> None:
    event = {
        "at": tomllib.loads("at = 2026-03-10T12:00:00+03:00")["at"],
        "order": {"external_id": "1", "status": "paid", "partner": "p", "total_minor": 10_000},
        "refused": 422,
    }
    report = await run(portal, small(events=[event]))
    assert report.failures[0].startswith(
        "events[0] (order at 2026-03-10T09:00:00+00:00): must be refused with 422"
    )


async def test_scratch_program_is_switched_off_afterwards(transaction: None, portal: object) -> None:
    await run(portal, small())
    rows = await db.fetch("SELECT active FROM programs WHERE code LIKE 'scenario-%'")
    assert [row["active"] for row in rows] == [False]
    assert only_program.get() is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"partnerz": []}, "unknown key `partnerz`"),
        ({"partners": [{"code": "p", "lewel": "x"}]}, r"unknown key `partners\[0\]\.lewel`"),
        ({"partners": [{"code": "p", "parent": "q"}]}, "unknown parent q"),
        ({"terms": {"levels": [{"code": "a", "rate": "101%"}]}}, r"terms\.levels\[0\]\.rate"),
        ({"events": [{"at": None, "run_jobs": True}]}, r"events\[0\]\.at must be a moment"),
        ({"expect": [{"commission": []}]}, r"unknown key `expect\[0\]\.commission`"),
        (
            {"expect": [{"balances": {"p": {"pendink": 0}}}]},
            r"unknown key `expect\[0\]\.balances\.p\.pendink`",
        ),
    ],
)
def test_wrong_key_of_a_scenario_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        small(**changes)


def test_moments_of_events_do_not_fall() -> None:
    moments = tomllib.loads("late = 2026-03-10T12:00:01+03:00\nearly = 2026-03-10T12:00:00+03:00")
    events = [{"at": moments["late"], "run_jobs": True}, {"at": moments["early"], "run_jobs": True}]
    with pytest.raises(ScenarioError, match=r"events\[1\]: `at` must not fall"):
        small(events=events)


def test_event_of_unknown_kind_is_refused() -> None:
    at = tomllib.loads("at = 2026-03-10T12:00:00+03:00")["at"]
    for event in ({"at": at, "clik": {}}, {"at": at}, {"at": at, "click": {}, "order": {}}):
        with pytest.raises(ScenarioError):
            small(events=[event])
