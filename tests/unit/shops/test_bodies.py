"""What a shop may send, and how each wrong field is named."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from app.errors import DomainError
from app.rules.facts import OrderStatus
from app.shops.bodies import MONEY_MAX, ParsedOrder, parse_batch, parse_card, parse_order, parse_refund

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
LINE = {"external_id": "1", "quantity": 2, "unit_price_minor": 149_000}


def body(**changes: Any) -> dict[str, Any]:
    return {"status": "paid", "lines": [LINE]} | changes


def parsed(value: Any) -> ParsedOrder:
    return parse_order(json.dumps(value).encode(), "1001", NOW)


def refusal(raw: bytes) -> tuple[int, list[tuple[str, str]]]:
    with pytest.raises(DomainError) as caught:
        parse_order(raw, "1001", NOW)
    return caught.value.status, [(field.pointer, field.code) for field in caught.value.fields]


def refused(**changes: Any) -> tuple[int, list[tuple[str, str]]]:
    return refusal(json.dumps(body(**changes)).encode())


def test_line_amount_is_quantity_times_price_less_its_discount() -> None:
    message = parsed(body(lines=[LINE | {"discount_minor": 1_000}])).message
    assert message.lines[0].total_minor == 297_000
    assert message.lines[0].discount_minor == 1_000
    assert message.total_minor is None


def test_line_amount_of_a_decimal_quantity_is_rounded_half_away_from_zero() -> None:
    # 0.125 × 1.00 = 12.5 kopecks
    message = parsed(body(lines=[{"external_id": "1", "quantity": "0.125", "unit_price_minor": 100}])).message
    assert message.lines[0].total_minor == 13
    assert message.lines[0].quantity_micro == 125_000


def test_total_of_a_line_must_agree_with_its_price() -> None:
    assert parsed(body(lines=[LINE | {"total_minor": 298_000}])).message.lines[0].total_minor == 298_000
    assert refused(lines=[LINE | {"total_minor": 298_001}]) == (
        422,
        [("/lines/0/total_minor", "does_not_agree")],
    )


def test_all_wrong_amounts_are_named_at_once() -> None:
    lines = [{"external_id": "1"}, {"external_id": "2", "quantity": 0, "total_minor": 5}]
    assert refused(lines=lines) == (
        422,
        [("/lines/0/total_minor", "missing"), ("/lines/1/quantity", "out_of_range")],
    )


def test_order_without_lines_needs_a_total() -> None:
    assert refused(lines=[]) == (422, [("/lines", "missing")])
    assert parsed(body(lines=[], total_minor=500)).message.total_minor == 500


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"shipping_minor": 1.0}, "/shipping_minor", "wrong_type"),
        ({"shipping_minor": True}, "/shipping_minor", "wrong_type"),
        ({"shipping_minor": "1"}, "/shipping_minor", "wrong_type"),
        ({"shipping_minor": -1}, "/shipping_minor", "out_of_range"),
        ({"shipping_minor": MONEY_MAX + 1}, "/shipping_minor", "out_of_range"),
        ({"shipping_minor": 10**30}, "/shipping_minor", "out_of_range"),
        ({"status": "payd"}, "/status", "unknown_value"),
        ({"currency": "rub"}, "/currency", "wrong_form"),
        ({"shiping_minor": 1}, "/shiping_minor", "unknown_field"),
        ({"paid_at": "2026-03-10T12:00:00"}, "/paid_at", "not_a_moment"),
        ({"paid_at": 1773133200}, "/paid_at", "wrong_type"),
        ({"lines": [LINE | {"prise": 1}]}, "/lines/0/prise", "unknown_field"),
        ({"lines": [{"quantity": 1}]}, "/lines/0/external_id", "missing"),
        ({"customer": {"external_id": ""}}, "/customer/external_id", "wrong_length"),
        ({"number": "A\u0000B"}, "/number", "control_character"),
        ({"lines": [LINE | {"name": "a\u0085b"}]}, "/lines/0/name", "control_character"),
    ],
)
def test_malformed_field_is_named(changes: dict[str, Any], pointer: str, code: str) -> None:
    assert refused(**changes) == (400, [(pointer, code)])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"[" * 60_000,
        b'{"status":' * 10_000,
        b'{"status":"paid","total_minor":NaN}',
        b'{"status":"paid","total_minor":1e309}',
        b'{"status":"paid","number":"\\ud800","total_minor":1}',
        b'{"status":"paid","number":"\xff","total_minor":1}',
        b'\xef\xbb\xbf{"status":"paid","total_minor":1}',
        '{"status":"paid","total_minor":1}'.encode("utf-16"),
        b'{"status":"paid","total_minor":1,"total_minor":2}',
        b'{"status":"paid","lines":[{"external_id":"1","total_minor":1,"total_minor":1}]}',
    ],
)
def test_json_that_two_readers_could_take_differently_is_refused(raw: bytes) -> None:
    assert refusal(raw)[0] == 400


@pytest.mark.parametrize(
    "quantity", ["", "1,5", "1e3", "-1", "+1", ".5", "1.", "1.1234567", "١", " 1", "0", 0, -3]
)
def test_quantity_is_an_integer_or_a_plain_decimal(quantity: int | str) -> None:
    status, fields = refused(lines=[LINE | {"quantity": quantity}])
    assert (status, fields[0][0]) == (422, "/lines/0/quantity")


def test_status_implies_the_earlier_moments() -> None:
    order = parsed(body(status="fulfilled", updated_at="2026-03-10T11:00:00+03:00"))
    eight = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
    assert (order.message.placed_at, order.message.paid_at, order.message.fulfilled_at) == (
        eight,
        eight,
        eight,
    )
    assert order.guessed == {"placed_at", "paid_at", "fulfilled_at"}
    assert order.message.cancelled_at is None


def test_moment_of_a_state_is_its_arrival_by_default() -> None:
    assert parsed(body()).message.updated_at == NOW


def test_cancelled_order_keeps_when_it_was_paid_and_a_placed_one_was_not_paid() -> None:
    paid_at = "2026-03-09T12:00:00+03:00"
    assert parsed(body(status="cancelled", paid_at=paid_at)).message.paid_at == datetime(
        2026, 3, 9, 9, tzinfo=UTC
    )
    assert parsed(body(status="placed", paid_at=paid_at)).message.paid_at is None


def test_moments_far_from_ours_are_refused() -> None:
    tomorrow = (NOW + timedelta(days=1)).isoformat()
    assert parsed(body(updated_at=tomorrow)).message.updated_at == NOW + timedelta(days=1)
    later = (NOW + timedelta(days=1, seconds=1)).isoformat()
    assert refused(updated_at=later) == (422, [("/updated_at", "in_the_future")])
    assert refused(paid_at="0001-01-01T00:00:00+14:00") == (422, [("/paid_at", "out_of_range")])


def test_same_line_or_refund_twice_is_refused() -> None:
    assert refused(lines=[LINE, LINE]) == (422, [("/lines", "repeated")])
    refund = {"external_id": "r", "at": "2026-03-10T11:00:00+03:00", "amount_minor": 1}
    assert refused(refunds=[refund, refund]) == (422, [("/refunds", "repeated")])


def test_an_order_may_name_a_seller() -> None:
    told = parse_order(json.dumps(body(seller={"external_id": "school"})).encode(), "A-1", NOW).message
    assert told.seller == "school"
    assert parse_order(json.dumps(body()).encode(), "A-1", NOW).message.seller is UNSET


def test_refund_says_what_comes_back() -> None:
    raw = b'{"external_id":"r1","at":"2026-03-10T11:00:00+03:00","lines":[{"line":"1","quantity":1}]}'
    refund = parse_refund(raw, "1001", NOW)
    assert (refund.order, refund.external_id, refund.lines[0].quantity_micro) == ("1001", "r1", 1_000_000)
    with pytest.raises(DomainError) as caught:
        parse_refund(
            b'{"external_id":"r1","at":"2026-03-10T11:00:00+03:00","lines":[{"line":"1"}]}', "1001", NOW
        )
    assert [field.pointer for field in caught.value.fields] == ["/lines/0/quantity"]


def test_card_change_names_a_code_or_a_partner() -> None:
    assert parse_card(b'{"promo_code":"ANNA"}', "1", NOW).partner is None
    with pytest.raises(DomainError):
        parse_card(b"{}", "1", NOW)


def test_orders_of_a_batch_are_read_one_by_one() -> None:
    raw = json.dumps({"orders": [body(external_id="7"), body(), body(external_id="8", lines=[])]}).encode()
    first, second, third = parse_batch(raw, NOW)
    assert isinstance(first, ParsedOrder)
    assert (first.message.external_id, first.message.status) == ("7", OrderStatus.PAID)
    assert isinstance(second, DomainError)
    assert [field.pointer for field in second.fields] == ["/external_id"]
    assert isinstance(third, DomainError)
    assert third.status == 422


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_fields = st.sampled_from(
    [
        "status",
        "currency",
        "paid_at",
        "updated_at",
        "customer",
        "partner",
        "shipping_minor",
        "lines",
        "refunds",
        "x",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_fields, _json, max_size=4))
def test_no_body_is_answered_by_anything_but_a_refusal_or_a_message(changes: dict[str, Any]) -> None:
    raw = json.dumps(body(**changes)).encode()
    try:
        outcome = parse_order(raw, "1001", NOW).message.status.value
    except DomainError as error:
        outcome = str(error.status)
    assert outcome in ("paid", "placed", "fulfilled", "cancelled", "400", "422")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_are_answered_by_anything_but_a_refusal(raw: bytes) -> None:
    with pytest.raises(DomainError) as caught:
        parse_order(raw, "1001", NOW)
    assert caught.value.status == 400
