"""Check digits of what an applicant types: tax number, bank account against its bank, card.

Pure functions. They prove that a number was typed right, not that it is his.
"""

import re

from stdnum.luhn import is_valid as luhn_is_valid
from stdnum.ru.inn import is_valid as inn_is_valid

_ACCOUNT_WEIGHTS = (7, 1, 3)


def inn_fits(inn: str, *, company: bool) -> bool:
    """An INN of 10 digits for a company, of 12 for a person, with right check digits."""
    return len(inn) == (10 if company else 12) and inn.isascii() and inn.isdigit() and inn_is_valid(inn)


def bik_fits(bik: str) -> bool:
    """A BIK of a Russian bank: nine digits, the first two 04."""
    return re.fullmatch(r"04[0-9]{7}", bik) is not None


def account_fits(account: str, bik: str) -> bool:
    """Whether the account's key digit fits the bank's BIK (Bank of Russia, order 515 of 8 September 1997).

    The last three digits of the BIK and the twenty of the account, weighted 7, 1, 3 in turn, sum to a multiple of 10.
    An account at a branch of the Bank of Russia itself (BIK ending in 000 to 002) is weighed with 0 and two of its digits.
    """
    if not bik_fits(bik) or re.fullmatch(r"[0-9]{20}", account) is None:
        return False
    prefix = "0" + bik[4:6] if int(bik[-3:]) < 3 else bik[-3:]
    digits = prefix + account
    weighted = sum(int(digit) * _ACCOUNT_WEIGHTS[place % 3] % 10 for place, digit in enumerate(digits))
    return weighted % 10 == 0


def card_fits(number: str) -> bool:
    """A card number of 16 to 19 digits with a right check digit (Luhn)."""
    return re.fullmatch(r"[2-6][0-9]{15,18}", number) is not None and bool(luhn_is_valid(number))
