"""Letters: one template under templates/emails/ makes the subject, the plain text and the HTML.

The template writes its content once with the macros of `parts` (paragraph, button, facts); rendered twice, with the
plain and with the HTML parts, the two forms cannot say different things.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment
from jinja2_fragments import render_block

from app.ui import i18n
from app.ui.render import environment


@dataclass(frozen=True, slots=True)
class Letter:
    """Ready to be sent."""

    subject: str
    text: str
    html: str


def render_letter(name: str, /, *, locale: str, zone: str | None = None, **values: Any) -> Letter:
    """templates/emails/<name>.html with `values`, in `locale`."""
    template = f"emails/{name}.html"
    with i18n.use_locale(locale, zone):
        plain = values | {"layout": "emails/layout.txt", "parts": "emails/parts.txt"}
        rich = values | {"layout": "emails/layout.html", "parts": "emails/parts.html"}
        subject = " ".join(render_block(_plain_environment(), template, "subject", plain).split())
        text = _plain_environment().get_template(template).render(plain)
        html = environment().get_template(template).render(rich | {"subject": subject})
    return Letter(subject, _tidy(text), html)


@lru_cache(maxsize=1)
def _plain_environment() -> Environment:
    """The same templates without HTML escapes: a plain text has no markup that a name could break."""
    return environment().overlay(autoescape=False)


def _tidy(text: str) -> str:
    """At most one empty line in a row, none at the ends."""
    lines: list[str] = []
    for line in (line.strip() for line in text.splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip() + "\n"
