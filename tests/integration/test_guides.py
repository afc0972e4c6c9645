"""What the guides in docs/ say is tried: every document of terms is accepted, every call of the API is made."""

import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.programs.service import checked
from app.rules.terms_document import read_toml
from app.shops.keys import create_key, forget_keys
from tests.cast import Cast
from tests.conftest import BASE_URL

DOCS = Path(__file__).resolve().parents[2] / "docs"
README = DOCS.parent / "README.md"


def fences(file: Path, language: str) -> list[str]:
    """The blocks of code in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", file.read_text(), re.DOTALL | re.MULTILINE)


def test_every_document_of_the_managers_guide_is_accepted() -> None:
    documents = fences(DOCS / "manager.md", "toml")
    assert len(documents) >= 5
    for document in documents:
        checked(read_toml(document))


def test_links_between_guides_lead_somewhere() -> None:
    for file in (*DOCS.glob("*.md"), README):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text()):
            assert (file.parent / target).exists(), f"{file.name} → {target}"


@pytest.fixture
def keys_forgotten() -> Iterator[None]:
    forget_keys()
    yield
    forget_keys()


async def test_every_call_of_the_integrators_guide_works(
    cast: Cast, portal: Any, keys_forgotten: None
) -> None:
    calls = [one for file in (DOCS / "integrator.md", README) for one in curls(file)]
    assert len(calls) >= 5
    key = await create_key("north", "guide", ["admin"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(portal), base_url=BASE_URL) as shop:
        for method, path, body in calls:
            answer = await shop.request(
                method, path, content=body, headers={"Authorization": f"Bearer {key}"}
            )
            assert answer.status_code in (200, 201, 202), f"{method} {path}: {answer.text}"


def curls(file: Path) -> Iterator[tuple[str, str, str]]:
    """Method, path and body of every curl in the guide. A body must be JSON."""
    for block in fences(file, "sh"):
        for command in re.findall(r"^curl .*?(?=\n\n|\n*\Z)", block, re.DOTALL | re.MULTILINE):
            words = shlex.split(command.replace("\\\n", " "))
            given = dict(pairwise(words))
            body = given.get("-d", "")
            if body:
                json.loads(body)
            url = next(word for word in words if word.startswith("https://partners.example.com/"))
            yield given.get("-X", "GET"), url.removeprefix("https://partners.example.com"), body
