"""The outbox: what happened, written in the transaction in which it happened, worked off afterwards."""

from piccolo.columns import JSONB, BigInt, BigSerial, Integer, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table


class Event(Table, tablename="events"):
    """One thing that happened; notices, mails and webhooks come from it."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program_id = BigInt(null=True, default=None, help_text="The program it concerns, where there is one.")
    kind = Varchar(
        48, default=None, help_text="partner.approved, commission.created, … (api.md, webhooks out)"
    )
    subject = Varchar(100, default="", help_text="kind:id of the object.")
    payload = JSONB(default=None, help_text="Ids and amounts; never personal data.")
    occurred_at = Timestamptz(default=None, help_text="When it happened.")
    state = Varchar(8, default="new", help_text="new: to be worked off; done; dead: given up, staff see it.")
    attempts = Integer(default=0, help_text="How often working it off was tried.")
    due_at = Timestamptz(default=None, help_text="Not before this.")
    leased_until = Timestamptz(
        null=True, default=None, help_text="A worker holds it until then; null: nobody."
    )
    last_error = Text(default="", help_text="Why the last attempt failed.")

    known_state = Check("state IN ('new', 'done', 'dead')")


class JobRun(Table, tablename="job_runs"):
    """A periodic job's run for one period: two workers never do the same one."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    job = Varchar(48, default=None, help_text="The job's name.")
    period = Varchar(64, default=None, help_text="What it did: a day, an hour, a program and a day.")
    started_at = Timestamptz(default=None, help_text="When it began.")
    finished_at = Timestamptz(null=True, default=None, help_text="When it ended; null: running, or it died.")
    result = Text(default="", help_text="In a line, what it did or why it failed.")

    job_runs_once = Unique(["job", "period"])
