"""Why cashback cannot be spent, said to the shop."""

from app.errors import DomainError, FieldError, invalid, message_id
from app.rules.wallet import TooMuchError

_DETAILS = {
    "above_share": message_id("At most %(most)s may be paid with cashback of this order."),
    "above_available": message_id("The customer can spend at most %(most)s."),
    "other_customer": message_id(
        "The cashback of this order is another customer's, or the order names no customer."
    ),
    "other_currency": message_id("Cashback is in the program's currency; the order is in another one."),
}


def refusal(error: TooMuchError, pointer: str) -> DomainError:
    """A 422 that names the field; amounts are minor units."""
    values = {"most": error.most_minor} if error.reason in ("above_share", "above_available") else {}
    return invalid(FieldError(pointer, error.reason, _DETAILS[error.reason], values))
