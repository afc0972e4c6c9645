"""Templates keep within the content security policy and escape what people wrote."""

import re
from collections.abc import Iterator

from tests.architecture.tree import at, files

# An attribute counts inside a tag only; `{{ … }}` and `{% … %}` may stand there.
TAG = re.compile(r"<[a-zA-Z][^<>]*(?:\{[{%].*?[%}]\}[^<>]*)*>", re.DOTALL)
FORBIDDEN_IN_TAGS = {
    "an inline style": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "an inline handler": re.compile(r"\son[a-z]+\s*=", re.IGNORECASE),
    "hx-on": re.compile(r"\shx-on\b", re.IGNORECASE),
    "code in an attribute": re.compile(r"[\"'\s](?:js|javascript)\s*:", re.IGNORECASE),
    "a file of another host": re.compile(
        r"<(?:script|link|img|iframe)\b[^>]*\s(?:src|href)\s*=\s*[\"']?(?:https?:)?//"
    ),
}
FORBIDDEN_ANYWHERE = {
    "an unescaped value": re.compile(r"\|\s*safe\b"),
    "autoescape switched": re.compile(r"\{%-?\s*autoescape"),
    "an inline style sheet": re.compile(r"<style\b", re.IGNORECASE),
    "an inline script": re.compile(
        r"<script\b(?![^>]*\bsrc=)(?![^>]*\btype=\"application/(?:ld\+)?json\")", re.IGNORECASE
    ),
}


def findings(text: str) -> Iterator[tuple[int, str]]:
    """The line and name of everything forbidden in a template's text."""
    plain = re.sub(r"\{#.*?#\}", lambda comment: "\n" * comment[0].count("\n"), text, flags=re.DOTALL)
    for what, pattern in FORBIDDEN_ANYWHERE.items():
        for found in pattern.finditer(plain):
            yield plain.count("\n", 0, found.start()) + 1, what
    for tag in TAG.finditer(plain):
        for what, pattern in FORBIDDEN_IN_TAGS.items():
            if pattern.search(tag[0]):
                yield plain.count("\n", 0, tag.start()) + 1, what


def test_templates_hold_nothing_that_the_policy_forbids() -> None:
    found = [
        f"{at(path, line)} {what}"
        for path in files(".html", under=("templates",))
        if "emails" not in path.parts  # a mail has no policy, and mail programs know no style sheets
        for line, what in findings(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_mails_escape_what_people_wrote() -> None:
    found = [
        f"{at(path, line)} {what}"
        for path in files(".html", ".txt", under=("templates/emails",))
        for line, what in findings(path.read_text(encoding="utf-8"))
        if what in {"an unescaped value", "an inline script", "an inline handler", "code in an attribute"}
    ]
    assert found == []


def test_the_finder_finds() -> None:
    bad = {
        '<p style="color: red">': "an inline style",
        '<a href="/" onclick="go()">': "an inline handler",
        '<div {% if one %}class="a"{% endif %} hx-on:click="go()">': "hx-on",
        '<a href="javascript:go()">': "code in an attribute",
        "<div hx-vals='js:{a: 1}'>": "code in an attribute",
        "<p>{{ name | safe }}</p>": "an unescaped value",
        "<style>p {}</style>": "an inline style sheet",
        "<script>go()</script>": "an inline script",
        '<script src="https://cdn.example/x.js"></script>': "a file of another host",
    }
    assert {text: [what for _, what in findings(text)] for text in bad} == {
        text: [what] for text, what in bad.items()
    }


def test_the_finder_lets_the_right_ones_pass() -> None:
    good = """{# never style="…" here #}
    <script src="{{ asset("js/portal.js") }}" nonce="{{ nonce }}" defer></script>
    <script type="application/json" id="x">{"one": 1}</script>
    <a href="https://example.com/" hx-get="/x" data-on="1">text on = style=</a>
    """
    assert list(findings(good)) == []


def test_scripts_and_style_sheets_load_nothing_from_elsewhere() -> None:
    outside = re.compile(r"(?:url\(|@import\s+|import\s*\(|fetch\(|importScripts\()\s*[\"']?(?:https?:)?//")
    code = re.compile(r"\beval\s*\(|new\s+Function\s*\(|\.innerHTML\s*=|document\.write")
    found = [
        at(path, number)
        for path in files(".js", ".css", under=("static",))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if outside.search(line) or code.search(line)
    ]
    assert found == []
