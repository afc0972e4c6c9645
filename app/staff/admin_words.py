"""What piccolo-admin calls things, in the reader's language.

piccolo-admin shows names of tables as they stand in its addresses, so tables get an alias per language: `Партнёры`
leads to `partners`. Labels of columns are ours too; their help texts are those of tables.py, translated.
"""

from functools import lru_cache

from app.ui.i18n import LOCALES, LazyText, gettext, lazy, use_locale

GROUPS: dict[str, LazyText] = {
    "program": lazy("Program"),
    "sales": lazy("Orders and commissions"),
    "money": lazy("Money"),
    "portal": lazy("Users"),
}

TABLES: dict[str, LazyText] = {
    "programs": lazy("Programs"),
    "program_terms": lazy("Terms"),
    "partners": lazy("Partners"),
    "partner_level_changes": lazy("Level changes"),
    "materials": lazy("Materials"),
    "orders": lazy("Orders"),
    "order_lines": lazy("Order lines"),
    "order_refunds": lazy("Refunds"),
    "attributions": lazy("Attributions"),
    "commissions": lazy("Commissions"),
    "commission_entries": lazy("Commission changes"),
    "payouts": lazy("Payouts"),
    "journal_entries": lazy("Journal"),
    "postings": lazy("Postings"),
    "ledger_accounts": lazy("Accounts"),
    "ledger_balances": lazy("Balances"),
    "users": lazy("Users"),
    "user_roles": lazy("Roles"),
    "audit_records": lazy("Audit log"),
}

COLUMNS: dict[str, LazyText] = {
    "about_en": lazy("About, in English"),
    "about_ru": lazy("About, in Russian"),
    "account": lazy("Account"),
    "accrued_minor": lazy("Accrued, minor units"),
    "action": lazy("Action"),
    "active": lazy("In use"),
    "admin": lazy("Staff"),
    "after": lazy("After"),
    "amount_minor": lazy("Amount, minor units"),
    "approved_at": lazy("Approved at"),
    "approved_by": lazy("Approved by"),
    "at": lazy("At"),
    "author": lazy("Author"),
    "automatic": lazy("Automatic"),
    "balance_minor": lazy("Balance, minor units"),
    "base_minor": lazy("Base, minor units"),
    "before": lazy("Before"),
    "brand": lazy("Brand"),
    "cancelled_at": lazy("Cancelled at"),
    "card_partner": lazy("Partner of the order"),
    "card_status": lazy("Status of the order's card"),
    "cashback_spent_minor": lazy("Paid with cashback, minor units"),
    "categories": lazy("Categories"),
    "cause": lazy("Cause"),
    "cause_ref": lazy("Which one"),
    "changed_at": lazy("Changed at"),
    "channel": lazy("Channel"),
    "click_id": lazy("Click"),
    "code": lazy("Code"),
    "commission": lazy("Commission"),
    "created_at": lazy("Made at"),
    "credit_account": lazy("Credit account"),
    "currency": lazy("Currency"),
    "customer": lazy("Customer"),
    "debit_account": lazy("Debit account"),
    "debt_repaid_minor": lazy("Debt repaid, minor units"),
    "details_masked": lazy("Details"),
    "discount_minor": lazy("Discount, minor units"),
    "document": lazy("Document"),
    "earned_at": lazy("Earned at"),
    "email": lazy("E-mail"),
    "email_confirmed_at": lazy("E-mail confirmed at"),
    "email_key": lazy("E-mail, for comparing"),
    "entry": lazy("Journal entry"),
    "external_id": lazy("The shop's id"),
    "first_name": lazy("First name"),
    "from_partner_id": lazy("From partner"),
    "fulfilled_at": lazy("Fulfilled at"),
    "home_url": lazy("Home page"),
    "hosts": lazy("Hosts"),
    "height": lazy("Height, pixels"),
    "id": lazy("No."),
    "image": lazy("Picture"),
    "in_force_from": lazy("In force from"),
    "joined_at": lazy("Joined at"),
    "judged_at": lazy("Judged at"),
    "judging_error": lazy("Error of judging"),
    "kind": lazy("Kind"),
    "landing_url": lazy("Landing page"),
    "gone_at": lazy("Nothing left since"),
    "last_login": lazy("Last sign-in"),
    "last_name": lazy("Last name"),
    "level": lazy("Level"),
    "lines": lazy("Lines"),
    "locale": lazy("Language"),
    "method": lazy("Method"),
    "model": lazy("Model"),
    "name": lazy("Name"),
    "named_partner": lazy("Partner named by the shop"),
    "note": lazy("Note"),
    "number": lazy("Number"),
    "occurred_at": lazy("Happened at"),
    "order": lazy("Order"),
    "orders": lazy("Orders"),
    "own_rate": lazy("Own rate, external, millionths"),
    "own_rate_direct": lazy("Own rate, direct, millionths"),
    "owner_id": lazy("Owner"),
    "paid_at": lazy("Paid at"),
    "paid_by": lazy("Paid by"),
    "parent": lazy("Parent"),
    "partner": lazy("Partner"),
    "partner_id": lazy("Partner"),
    "partner_parameter": lazy("Partner parameter"),
    "pending_minor": lazy("Pending, minor units"),
    "phone": lazy("Phone"),
    "phone_key": lazy("Phone, for comparing"),
    "pinned": lazy("Pinned"),
    "pinned_until": lazy("Pinned until"),
    "placed_at": lazy("Placed at"),
    "plan": lazy("Plan"),
    "platform_commission_minor": lazy("Platform commission, minor units"),
    "position": lazy("Position"),
    "product": lazy("Product"),
    "program": lazy("Program"),
    "program_id": lazy("Program"),
    "promo_code": lazy("Promo code"),
    "published_at": lazy("Published at"),
    "quantity_micro": lazy("Quantity, millionths"),
    "rate": lazy("Rate, millionths"),
    "reason": lazy("Reason"),
    "recorded": lazy("What was recorded"),
    "recorded_at": lazy("Recorded at"),
    "refunded_minor": lazy("Refunded, minor units"),
    "second_approved_at": lazy("Agreed to by a second person at"),
    "second_approved_by": lazy("Agreed to by, as the second person"),
    "batch": lazy("Batch"),
    "sent_at": lazy("Given to the bank at"),
    "returned_at": lazy("Returned at"),
    "returned_by": lazy("Return booked by"),
    "rejected_at": lazy("Rejected at"),
    "rejected_by": lazy("Rejected by"),
    "release_at": lazy("Release at"),
    "released_at": lazy("Released at"),
    "settle": lazy("Paid by"),
    "request_id": lazy("Request"),
    "requested_at": lazy("Requested at"),
    "requested_minor": lazy("Requested, minor units"),
    "reward_minor": lazy("Reward, minor units"),
    "role": lazy("Role"),
    "sale_kind": lazy("Kind of sale"),
    "shipping_minor": lazy("Shipping, minor units"),
    "seller": lazy("Seller"),
    "site": lazy("Site"),
    "source": lazy("Source"),
    "source_key": lazy("Source key"),
    "state": lazy("State"),
    "status": lazy("Status"),
    "subject": lazy("Subject"),
    "superuser": lazy("Owner of the portal"),
    "tax_minor": lazy("Tax, minor units"),
    "terms_number": lazy("Terms version"),
    "text": lazy("Text"),
    "theme": lazy("Theme"),
    "tier": lazy("Tier"),
    "time_zone": lazy("Time zone"),
    "title_en": lazy("Name in English"),
    "title_ru": lazy("Name in Russian"),
    "total_minor": lazy("Total, minor units"),
    "turnover_minor": lazy("Turnover, minor units"),
    "updated_at": lazy("State since"),
    "user": lazy("User"),
    "username": lazy("Sign-in name"),
    "utm": lazy("UTM parameters"),
    "valid_to": lazy("Valid to"),
    "visitor_id": lazy("Browser"),
    "width": lazy("Width, pixels"),
}


HELP: dict[str, LazyText] = {
    "admin": lazy("Staff: may open these tables."),
    "superuser": lazy("Owner of the portal: may do everything."),
    "gone_at": lazy("Nothing left since"),
    "last_login": lazy("When he last signed in, UTC."),
}
"""Columns that come from Piccolo with words of its own."""


def alias_of(table: str) -> str:
    """The table's name in the reader's language; piccolo-admin shows `_` as a space."""
    return str(TABLES[table]).replace(" ", "_") if table in TABLES else table


def table_of(alias: str) -> str:
    """The inverse of `alias_of`, from any language: a bookmark outlives a change of it. Other names stay as they are."""
    return _tables_by_alias().get(alias, alias)


@lru_cache(maxsize=1)
def _tables_by_alias() -> dict[str, str]:
    found: dict[str, str] = {}
    for locale in LOCALES:
        with use_locale(locale):
            found |= {alias_of(table): table for table in TABLES}
    return found


def label_of(column: str) -> str:
    """The column's label."""
    found = COLUMNS.get(column) or COLUMNS.get(column.removesuffix("_id"))
    return column if found is None else str(found)


def help_of(column: str, text: str) -> str:
    """A column's help text in the reader's language."""
    return str(HELP[column]) if column in HELP else gettext(text)
