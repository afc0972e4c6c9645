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
    # The list shows what fits; a link column other than the key breaks piccolo-admin's list.
    return TableConfig(
        table,
        menu_group=GROUP_OF[name],
        validators=Validators(every=[_validator(name)]),
        order_by=[OrderBy(table._meta.primary_key, ascending=False)],
        exclude_visible_columns=[
            column
            for column in table._meta.columns
            if column._meta.secret
            or column._meta.name in ("document", "recorded", "utm", "username", "password")
        ],
        **options,
    )


def _offer(table: type[Table], column: str, choices: type[StrEnum]) -> None:
    """Let the form offer `choices`; the table itself has a CHECK for them."""
    table._meta.get_column_by_name(column)._meta.choices = choices


def _validator(table: str) -> Any:
    """Runs before every request for rows of `table`."""

    def check(piccolo_crud: Any, request: Request, **_context: Any) -> None:
        user = reader.get()
        if not may(user, table, READERS):
            raise HTTPException(403, _("Your role does not allow this. Ask the owner of the portal."))
        if request.method in ("GET", "HEAD"):
            return
        rules = {"POST": MAKERS, "PATCH": WRITERS}.get(request.method, {})
        if table not in rules:
            raise HTTPException(
                405, _("These rows are only shown here: services write them, with their history.")
            )
        if not may(user, table, rules):
            raise HTTPException(403, _("Your role does not allow this. Ask the owner of the portal."))

    return check
