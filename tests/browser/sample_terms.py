"""Pages of the terms: the draft, its forms section by section, a version."""

from dataclasses import replace
from types import SimpleNamespace as S
from typing import Any

from msgspec import structs

from app.commissions.simulation import PartnerOutcome, Simulated
from app.commissions.simulation_jobs import Simulation
from app.programs.drafts import Draft
from app.reports.checks import CheckResult
from app.reports.nightly import CheckRun
from app.rules.terms_document import complete_document, contradictions
from app.staff.terms_fields import SECTIONS, section_groups, typed_from
from app.staff.terms_reading import mark
from app.ui.forms import Form
from tests.browser.samples import EVIL, Sample, ago, said

DOCUMENT = complete_document(
    {
        "levels": [
            {"code": "starter", "name": {"ru": EVIL, "en": EVIL}, "rate": "5%"},
            {"code": "silver", "from": 50_000_000, "rate": "7%"},
        ],
        "plans": [{"code": "phones", "rate": "6%", "categories": ["phones", EVIL]}],
        "tiers": {"rates": ["10%", "5%"]},
        "bonuses": [{"code": "fifty", "reach": 50, "reward_minor": 500_000}],
        "volume_bonuses": [{"level": "silver", "from": 1_000_000_000, "rate": "1%"}],
        "sellers": {},
        "cashback": {"rules": [{"code": "all", "rate": "3%"}]},
    }
)


def terms_pages(shell: Any) -> dict[str, Sample]:
    draft = Draft(True, 7, 3, DOCUMENT, EVIL, ago(hours=1))
    told = {said("Уровни", "Levels"): [f"{EVIL}: 7 % → 8 %"], said("Ожидание", "Hold"): ["14 → 20"]}
    titles = [(key, key) for key in SECTIONS]
    rows = [S(key=key, title=key, hint=EVIL, changes=place % 3, problems=place % 2) for place, key in enumerate(SECTIONS)]  # fmt: skip
    problems = [S(path="plans[0].levels[0]", text=EVIL, section="plans"), S(path="", text=EVIL, section="")]
    overview = {"shell": shell, "draft": draft, "newest": 4, "rows": rows, "told": told, "problems": problems, "form": Form.blank(), "currency": "RUB", "zone": "Europe/Moscow"}  # fmt: skip
    fresh = Draft(False, 3, 4, DOCUMENT)
    version = S(number=4, in_force_from=ago(days=-3), published_at=ago(days=1), author=EVIL, note=EVIL)
    about = {"shell": shell, "version": version, "others": [1, 2, 3], "before": S(number=3), "told": told, "said": [(EVIL, [(EVIL, EVIL)]), (EVIL, [])], "may_withdraw": True}  # fmt: skip
    return {
        **_proofs(shell),
        "desk-terms-draft": ("staff/terms_draft.html", overview),
        "desk-terms-draft-fresh": ("staff/terms_draft.html", overview | {"draft": fresh, "told": {}, "problems": []}),
        "desk-terms-version": ("staff/terms_version.html", about),
        "desk-terms-version-first": ("staff/terms_version.html", about | {"others": [], "before": None, "told": {}, "may_withdraw": False}),
        **{f"desk-terms-{key}": ("staff/terms_section.html", _section(shell, key, draft, titles)) for key in SECTIONS},
        "desk-terms-conflict": ("staff/terms_section.html", _section(shell, "hold", draft, titles) | {"conflict": told}),
        "desk-terms-wrong": ("staff/terms_section.html", _wrong(shell, draft, titles)),
    }  # fmt: skip


def _section(shell: Any, key: str, draft: Draft, titles: list[tuple[str, str]]) -> dict[str, Any]:
    typed = typed_from(key, draft.document)
    return {"shell": shell, "section": key, "title": key, "groups": section_groups(key, typed, draft.document), "form": Form(typed), "draft": draft, "revision": 7, "conflict": None, "sections": titles}  # fmt: skip


def _wrong(shell: Any, draft: Draft, titles: list[tuple[str, str]]) -> dict[str, Any]:
    """A plan with both a rate and a fixed sum, and a level that there is not."""
    plan = {**DOCUMENT["plans"][0], "fixed_minor": 100, "levels": ["gone"]}
    wrong = Draft(True, 7, 3, {**DOCUMENT, "plans": [plan]}, EVIL, ago(hours=1))
    page = _section(shell, "plans", wrong, titles)
    for problem in contradictions(wrong.document):
        mark(page["form"], problem)
    return page


def _proofs(shell: Any) -> dict[str, Sample]:
    """Simulations and the nightly check."""
    partners = [
        PartnerOutcome(1, "alice", EVIL, 1_000_000, 1_234_567, 12, "starter", "silver"),
        PartnerOutcome(2, "boris", "Борис", 50_000, 0, 1, "starter", "starter"),
    ]
    span = (ago(days=90), ago(days=1))
    result = Simulated(*span, "RUB", 4_000, 900, 13, 1_050_000, 1_234_567, {"direct": 1_050_000}, {"direct": 1_234_567, "tier": 0}, partners)  # fmt: skip
    done = Simulation(
        3, *span, EVIL, EVIL, ago(hours=1), "done", 4_000, 4_000, ago(minutes=50), "", DOCUMENT, result
    )
    running = replace(done, state="running", facts_done=1_500, result=None)
    failed = replace(done, state="failed", error=EVIL, result=None)
    empty = structs.replace(result, partners=[], now_by_kind={}, then_by_kind={})
    one = {"shell": shell, "shown": 50, "told": {EVIL: [EVIL]}, "present": 4}
    form = Form.blank(**{"from": "2026-01-01", "to": "2026-02-01"})
    broken = CheckRun(2, ago(hours=9), ago(hours=9), (CheckResult("balances", EVIL, 2, (EVIL, "id=2")), CheckResult("sums", EVIL, 0, ())))  # fmt: skip
    fine = CheckRun(1, ago(days=1), ago(days=1), (CheckResult("sums", EVIL, 0, ()),))
    return {
        "desk-simulations": ("staff/simulations.html", {"shell": shell, "simulations": [running, done, failed], "form": form}),
        "desk-simulations-empty": ("staff/simulations.html", {"shell": shell, "simulations": [], "form": form}),
        "desk-simulation": ("staff/simulation.html", one | {"simulation": done}),
        "desk-simulation-running": ("staff/simulation.html", one | {"simulation": running}),
        "desk-simulation-failed": ("staff/simulation.html", one | {"simulation": failed, "told": {}}),
        "desk-simulation-empty": ("staff/simulation.html", one | {"simulation": replace(done, result=empty)}),
        "desk-checks": ("staff/checks.html", {"shell": shell, "latest": broken, "runs": [broken, fine]}),
        "desk-checks-fine": ("staff/checks.html", {"shell": shell, "latest": fine, "runs": [fine]}),
        "desk-checks-none": ("staff/checks.html", {"shell": shell, "latest": None, "runs": []}),
    }  # fmt: skip
