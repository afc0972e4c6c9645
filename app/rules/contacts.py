"""Keys that tell whether a buyer and a partner are the same person (rules.md §4.5, §16 "Partners' states").

A key carries its kind, so that a phone never equals an account. Nothing usable gives an empty key, which the
callers leave out: two people without an e-mail are not the same person.
"""


def email_key(email: str) -> str:
    """The key of an e-mail: lower-cased, without `+tag`."""
    local, at, domain = email.strip().casefold().rpartition("@")
    local = local.partition("+")[0]
    if not at or not local or not domain:
        return ""
    return f"email:{local}@{domain}"


def phone_key(phone: str) -> str:
    """The key of a phone: its digits and the plus sign, as E.164 writes it."""
    digits = "".join(character for character in phone if character in "0123456789")
    if not digits:
        return ""
    plus = "+" if phone.strip().startswith("+") else ""
    return f"phone:{plus}{digits}"


def user_key(user_id: int) -> str:
    """The key of a signed-in user of the portal."""
    return f"user:{user_id}"


def account_key(account: str) -> str:
    """The key of a payment account: letters and digits, without spaces and case."""
    kept = "".join(character for character in account.casefold() if character.isalnum())
    return f"account:{kept}" if kept else ""
