"""django-hordak, the peer: how many transfers a second it books on the same PostgreSQL.

    python -m tests.bench.hordak_peer DATABASE_URL prepare
    python -m tests.bench.hordak_peer DATABASE_URL SECONDS PROCESSES     prints the transfers made

A transfer is one transaction with a debit and a credit leg: what one posting is in our journal. Accounts: one of the
shop's expense and two hundred of partners, as in our runs. No HTTP, no order, no commission: the ledger alone.
"""

import os
import sys
import time
from multiprocessing import Pool
from urllib.parse import parse_qs, urlsplit

PARTNERS = 200


def configure(url: str) -> None:
    """Django with nothing but the ledger."""
    import django
    from django.conf import settings

    parts = urlsplit(url)
    query = parse_qs(parts.query)
    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "mptt", "hordak"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path[1:],
                "USER": parts.username,
                "HOST": query["host"][0],
                "PORT": query["port"][0],
                "CONN_MAX_AGE": None,
            }
        },
        CURRENCIES=["EUR"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()


def prepare(url: str) -> None:
    """Tables and accounts."""
    configure(url)
    from django.core.management import call_command
    from hordak.models import Account, AccountType

    call_command("migrate", verbosity=0)
    Account.objects.create(name="Commissions", code="1", type=AccountType.expense, currencies=["EUR"])
    for number in range(PARTNERS):
        Account.objects.create(
            name=f"Partner {number}", code=str(100 + number), type=AccountType.liability, currencies=["EUR"]
        )


def transfer(job: tuple[str, float, int]) -> int:
    """Book until the time is over; returns how many."""
    url, seconds, offset = job
    configure(url)
    from django.db import transaction
    from hordak.models import Account
    from moneyed import Money

    expense = Account.objects.get(full_code="1")
    partners = list(Account.objects.exclude(full_code="1").order_by("id"))
    amount = Money("7.00", "EUR")
    done = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with transaction.atomic():
            partners[(offset + done) % PARTNERS].transfer_to(expense, amount)
        done += 1
    return done


def main() -> None:
    """See the module."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "")
    url, what = sys.argv[1], sys.argv[2]
    if what == "prepare":
        prepare(url)
        return
    processes = int(sys.argv[3])
    with Pool(processes) as pool:
        jobs = [(url, float(what), number * PARTNERS // processes) for number in range(processes)]
        print(sum(pool.map(transfer, jobs, chunksize=1)))


if __name__ == "__main__":
    main()
