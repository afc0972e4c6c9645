"""How promo codes are compared: without case, and with Cyrillic letters that look like Latin ones joined to them."""

LOOK_ALIKES = str.maketrans("АВЕКМНОРСТУХІ", "ABEKMHOPCTYXI")  # Cyrillic on the left, Latin on the right


def code_key(text: str) -> str:
    """What two spellings of one code have in common; at most 64 characters of it."""
    return text.strip().upper().translate(LOOK_ALIKES)[:64]
