"""Bots by user agent, measured on labelled strings of three public collections, and on the clicks of a real history.

`pytest tests/unit/tracking/test_bots.py -s` prints the figures and every miss.
"""

import csv
import gzip
import time
from collections import Counter
from pathlib import Path

import pytest

from app.tracking.bots import is_bot

DATA = Path(__file__).parents[4] / "shared" / "data"
LABELLED = DATA / "user_agents" / "user_agents_labelled.csv.gz"
CLICKS = DATA / "orders" / "clicks.csv.gz"
MIXED = DATA / "orders" / "clicks_with_user_agents.csv.gz"

needs_data = pytest.mark.skipif(not LABELLED.exists(), reason="needs ../shared/data")


def _read(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@needs_data
def test_bots_are_told_from_people() -> None:
    found: Counter[tuple[str, bool]] = Counter()
    by_source: Counter[tuple[str, bool]] = Counter()
    for row in _read(LABELLED):
        bot = is_bot(row["user_agent"])
        found[row["label"], bot] += 1
        if row["label"] == "bot":
            by_source[row["source"], bot] += 1
        if (row["label"] == "bot" and not bot) or (row["label"] == "human" and bot):
            print(f"miss: {row['label']:6} {row['user_agent'][:160]}")
    precision = found["bot", True] / (found["bot", True] + found["human", True])
    recall = found["bot", True] / (found["bot", True] + found["bot", False])
    libraries = found["library", True] / (found["library", True] + found["library", False])
    print(f"precision {precision:.4f}  recall {recall:.4f}  libraries taken for bots {libraries:.4f}")
    for source in sorted({source for source, _bot in by_source}):
        print(
            f"  recall {source}: {by_source[source, True]} of {by_source[source, True] + by_source[source, False]}"
        )
    assert precision >= 0.99
    assert recall >= 0.97
    assert libraries >= 0.95


@needs_data
def test_history_loses_its_bots_and_keeps_its_people() -> None:
    """Bots stand between the clicks of clicks.csv.gz, which are in the same order."""
    people = [(row["clicked_at"], row["customer_id"], row["partner"]) for row in _read(CLICKS)]
    missed = dropped = bots = place = 0
    for row in _read(MIXED):
        person = place < len(people) and people[place] == (
            row["clicked_at"],
            row["customer_id"],
            row["partner"],
        )
        place += person
        bots += not person
        said = is_bot(row["user_agent"])
        missed += not person and not said
        dropped += person and said
    print(f"{bots} bots, {missed} missed; {len(people)} people, {dropped} dropped")
    assert place == len(people)
    assert missed / bots < 0.03
    assert dropped / len(people) < 0.001


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
        "Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0 Mobile Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 YaBrowser/25.8 Safari/537.36",
    ],
)
def test_person_is_a_person(user_agent: str) -> None:
    assert not is_bot(user_agent)


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "   ",
        "curl/8.5.0",
        "python-requests/2.32.3",
        "okhttp/4.12.0",
        "Go-http-client/1.1",
        "TelegramBot (like TwitterBot)",
        "WhatsApp/2.23.20.0",
        "Mozilla/5.0 (compatible; SomethingNew/1.0)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0 Safari/537.36",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    ],
)
def test_machine_is_a_bot(user_agent: str) -> None:
    assert is_bot(user_agent)


@pytest.mark.parametrize(
    "piece", ["(", "((a", "(Android", "a@", "+a.", "compatible;", "-a" * 3, "(a.b", "\u0000"]
)
def test_hostile_agent_costs_no_more_than_a_few_milliseconds(piece: str) -> None:
    started = time.perf_counter()
    is_bot((piece * 2000)[:8000])
    assert time.perf_counter() - started < 0.05
