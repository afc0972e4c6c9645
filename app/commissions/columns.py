"""The columns that a batch writes, and their types, for inserts of whole arrays (`writes.py`)."""

JUDGEMENT_COLUMNS = {
    "order_id": "bigint",
    "terms_number": "integer",
    "source": "text",
    "model": "text",
    "recorded": "jsonb",
    "judged_at": "timestamptz",
}

COMMISSION_COLUMNS = {
    "id": "bigint",
    "program_id": "bigint",
    "order_id": "bigint",
    "partner_id": "bigint",
    "kind": "text",
    "tier": "smallint",
    "state": "text",
    "settle": "text",
    "base_minor": "bigint",
    "rate": "integer",
    "accrued_minor": "bigint",
    "amount_minor": "bigint",
    "pending_minor": "bigint",
    "quantity_micro": "bigint",
    "orders": "smallint",
    "level": "text",
    "earned_at": "timestamptz",
    "release_at": "timestamptz",
}

ENTRY_COLUMNS = {
    "commission_id": "bigint",
    "program_id": "bigint",
    "partner_id": "bigint",
    "order_id": "bigint",
    "kind": "text",
    "tier": "smallint",
    "from_partner_id": "bigint",
    "cause": "text",
    "cause_ref": "text",
    "at": "timestamptz",
    "base_minor": "bigint",
    "quantity_micro": "bigint",
    "orders": "smallint",
    "amount_minor": "bigint",
    "rate": "integer",
    "entry_id": "bigint",
}
