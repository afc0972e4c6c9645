"""A questionnaire in which everything is right; tests spoil one field."""

from collections.abc import Mapping

ANSWERS: Mapping[str, object] = {
    "name": "Vera Orlova",
    "email": "Vera@Example.com",
    "phone": "8 900 123-45-67",
    "password": "four slow green trams",
    "kind": "person",
    "tax_number": "500100732259",
    "sector": "blog",
    "channels": ["site", "telegram"],
    "channel_urls": "https://vera.example/blog\nhttps://t.me/vera",
    "comment": "Two thousand readers.",
    "method": "bank_account",
    "holder": "Vera Orlova",
    "account": "40817810700000000001",
    "bik": "044525225",
    "terms_version": "1",
    "terms_accepted": "yes",
    "privacy_accepted": "yes",
    "website": "",
}


def answers(**changed: object) -> dict[str, object]:
    """The right answers with some changed."""
    return {**ANSWERS, **changed}
