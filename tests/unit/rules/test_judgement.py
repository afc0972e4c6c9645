"""Judgements are stored as JSON for ever: what was written by an earlier release must be read, too."""

from datetime import UTC, datetime

from app.rules.judgement import (
    Buyer,
    Conversion,
    Judgement,
    LineRate,
    PassedRule,
    RateRule,
    Share,
    Source,
)

PAID = datetime(2026, 3, 10, 9, tzinfo=UTC)


def test_a_judgement_of_the_first_release_is_read() -> None:
    document = {
        "terms": 1,
        "inputs": "1||||c-1||2026-03-10T09:00:00+00:00|",
        "paid_at": "2026-03-10T09:00:00+00:00",
        "source": "manual",
        "model": "last_click",
        "window_days": 30,
        "shares": [
            {
                "partner": 7,
                "weight": 1,
                "rate": 50000,
                "rule": "level",
                "level": "starter",
                "passed": [["own_rate", "not_set"]],
                "tiers": [[1, 8, 100000]],
                "stopped": "",
            }
        ],
        "considered": [["manual", "counted", 7, "", None]],
        "line_bases": [1000, 500],
    }

    judgement = Judgement.from_json(document)

    assert judgement.shares[0].passed == (PassedRule(RateRule.OWN_RATE, "not_set"),)
    assert (judgement.shares[0].lines, judgement.shares[0].reached, judgement.buyer) == ((), None, None)
    assert judgement.to_json() == document


def test_lines_that_earn_differently_are_read_back_exactly() -> None:
    phones = LineRate(RateRule.PLAN, 100_000, "phones")
    fixed = LineRate(
        RateRule.PLAN, 0, "cases", 30_000, "item", (PassedRule(RateRule.PLAN, "products", "phones"),)
    )
    share = Share(
        7,
        2,
        0,
        RateRule.PLAN,
        "starter",
        lines=(phones, fixed, phones),
        reached=12_000_000,
        room_minor=500,
    )
    judgement = Judgement(
        terms_number=3,
        inputs="",
        paid_at=PAID,
        source=Source.CLICK,
        model="linear",
        window_days=30,
        shares=(share,),
        considered=(),
        line_bases=(100, 200, 300),
        buyer=Buyer("c-1", first=False),
        conversion=Conversion("USD", "2026-03-10", "90.1234", "bank"),
    )

    document = judgement.to_json()

    assert document["shares"][0]["lines"] == [0, 1, 0]
    assert Judgement.from_json(document) == judgement
