"""Tables for staff: piccolo-admin over what has no page of its own. What needs a button is on the desk beside it.

    admin_app(config) = Gate (who, language, transaction)  →  piccolo-admin  →  scoped tables  →  hooks

Only what `admin_scope.WRITERS` names can be edited; money, orders, terms and history are shown.
"""

from enum import StrEnum
from typing import Any

from fastapi import HTTPException
from litestar.types import ASGIApp
from piccolo.table import Table
from piccolo_admin.endpoints import TableConfig, create_admin
from piccolo_admin.translations.data import ENGLISH, RUSSIAN
from piccolo_api.crud.endpoints import OrderBy
from piccolo_api.crud.validators import Validators
from starlette.requests import Request

from app.commissions.tables import Attribution, Commission, CommissionEntry
from app.config import Settings
from app.ledger.tables import Account, Balance, JournalEntry, Posting
from app.materials.tables import Material
from app.orders.tables import Order, OrderLine, Refund
from app.partners.tables import LevelChange, Partner
from app.payouts.tables import Payout
from app.programs.tables import Program, TermsVersion
from app.staff import admin_hooks
from app.staff.admin_gate import AdminSession, Gate
from app.staff.admin_images import MaterialImages
from app.staff.admin_scope import MAKERS, READERS, WRITERS, may, reader, scoped
from app.ui.i18n import gettext as _
from app.users.tables import AuditRecord, Role, User

GROUP_OF = {
    "programs": "program",
    "program_terms": "program",
    "partners": "program",
    "partner_level_changes": "program",
    "materials": "program",
    "orders": "sales",
    "order_lines": "sales",
    "order_refunds": "sales",
    "attributions": "sales",
    "commissions": "sales",
    "commission_entries": "sales",
    "payouts": "money",
    "journal_entries": "money",
    "postings": "money",
    "ledger_accounts": "money",
    "ledger_balances": "money",
    "users": "portal",
    "user_roles": "portal",
    "audit_records": "portal",
}


VISIBLE = {
    "programs": "id code name home_url active created_at",
    "program_terms": "id program_id number in_force_from published_at author_id note",
    "partners": "id code name program_id state level parent_id joined_at",
    "partner_level_changes": "id partner_id at before after turnover_minor reason author_id",
    "materials": "id title_ru program_id kind level width height active valid_to",
    "orders": "id external_id program_id status total_minor currency paid_at card_partner_id reward_minor judging_error",
    "order_lines": "id order_id position product name quantity_micro total_minor",
    "order_refunds": "id order_id external_id at amount_minor",
    "attributions": "id order_id source model terms_number judged_at",
    "commissions": "id partner_id order_id kind state base_minor rate amount_minor pending_minor level release_at",
    "commission_entries": "id commission_id order_id cause at base_minor amount_minor rate",
    "payouts": "id number partner_id state requested_minor amount_minor method details_masked requested_at paid_at",
    "journal_entries": "id program_id kind source_key occurred_at recorded_at",
    "postings": "id entry_id debit_account_id credit_account_id amount_minor",
    "ledger_accounts": "id program_id kind owner_id",
    "ledger_balances": "id account_id balance_minor",
    "users": "id email first_name last_name locale active admin email_confirmed_at last_login",
    "user_roles": "id user_id role program_id",
    "audit_records": "id at user_id action subject reason",
}
"""Columns of the lists; a row's own page shows all. The key comes first: a list without it has no links."""


class MaterialKind(StrEnum):
    """Kinds of materials, as the form offers them."""

    BANNER = "banner"
    """A picture with a link."""
    TEXT = "text"
    """Words with a link."""


class PartnerKind(StrEnum):
    """Who a partner is by law, as the form offers it."""

    PERSON = "person"
    """A natural person."""
    SELF_EMPLOYED = "self_employed"
    """Self-employed."""
    SOLE_TRADER = "sole_trader"
    """A sole trader."""
    COMPANY = "company"
    """A company."""


def admin_app(config: Settings) -> ASGIApp:
    """piccolo-admin behind our own sessions, to be mounted at /admin."""
    router = create_admin(
        _tables(config),
        auth_table=User,
        session_table=AdminSession,
        translations=[ENGLISH, RUSSIAN],
        default_language_code="ru",
        auto_include_related=False,
        production=config.secure,
        allowed_hosts=[host.partition(":")[0] for host in (config.host, *config.allowed_hosts)],
        site_name="Tandem",
        sidebar_links={"desk": "/desk"},
        page_size=30,
    )
    return Gate(router)


def _tables(config: Settings) -> list[TableConfig]:
    material, program, partner, user = (
        scoped(Material, "program_id"),
        scoped(Program, "id"),
        scoped(Partner, "program_id"),
        scoped(User, ""),
    )
    _offer(material, "kind", MaterialKind)
    _offer(partner, "kind", PartnerKind)
    shown = [
        scoped(TermsVersion, "program_id"),
        scoped(LevelChange, "program_id"),
        scoped(Order, "program_id"),
        scoped(OrderLine, "order_id.program"),
        scoped(Refund, "order_id.program"),
        scoped(Attribution, "order_id.program"),
        scoped(Commission, "program_id"),
        scoped(CommissionEntry, "program_id"),
        scoped(Payout, "program_id", hidden=("details_encrypted", "action_id")),
        scoped(JournalEntry, "program_id"),
        scoped(Posting, "entry_id.program_id"),
        scoped(Account, "program_id"),
        scoped(Balance, "account_id.program_id"),
        scoped(Role, ""),
        scoped(AuditRecord, ""),
    ]
    images = MaterialImages(material.image, config.media_dir)
    return [
        _config(program, hooks=admin_hooks.edit_hooks(program, admin_hooks.program_check)),
        _config(partner, hooks=admin_hooks.edit_hooks(partner, admin_hooks.partner_check)),
        _config(
            material,
            hooks=admin_hooks.edit_hooks(material, admin_hooks.material_check(config.media_dir)),
            media_storage=[images],
        ),
        _config(user, hooks=admin_hooks.edit_hooks(user, admin_hooks.user_check)),
        *(_config(table) for table in shown),
    ]


def _config(table: type[Table], **options: Any) -> TableConfig:
    """One table of the menu, the newest rows first. Money and history are closed to edits by their validator."""
    name = table._meta.tablename
    return TableConfig(
        table,
        menu_group=GROUP_OF[name],
        validators=Validators(every=[_validator(name)]),
        order_by=[OrderBy(table._meta.primary_key, ascending=False)],
        visible_columns=[table._meta.get_column_by_name(column) for column in VISIBLE[name].split()],
        **options,
    )


def _offer(table: type[Table], column: str, choices: type[StrEnum]) -> None:
    """Let the form offer `choices`; the table itself has a CHECK for them."""
    table._meta.get_column_by_name(column)._meta.choices = choices


def _check_order(table: type[Table], request: Request) -> None:
    """Rows in the order of a sealed column would tell what stands in it; piccolo-admin does not ask."""
    shown = {column._meta.name for column in table._meta.columns if not column._meta.secret}
    for asked in request.query_params.getlist("__order"):
        if any(name.removeprefix("-") not in shown for name in asked.split(",")):
            raise HTTPException(400, _("A parameter of the address cannot be read."))


def _validator(table: str) -> Any:
    """Runs before every request for rows of `table`."""

    def check(piccolo_crud: Any, request: Request, **_context: Any) -> None:
        user = reader.get()
        if not may(user, table, READERS):
            raise HTTPException(403, _("Your role does not allow this. Ask the owner of the portal."))
        if request.method in ("GET", "HEAD"):
            _check_order(piccolo_crud.table, request)
            return
        rules = {"POST": MAKERS, "PATCH": WRITERS}.get(request.method, {})
        if table not in rules:
            raise HTTPException(
                405, _("These rows are only shown here: services write them, with their history.")
            )
        if not may(user, table, rules):
            raise HTTPException(403, _("Your role does not allow this. Ask the owner of the portal."))

    return check
