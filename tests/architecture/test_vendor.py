"""What is served but was written elsewhere: exact bytes, known licences, nothing unlisted."""

import hashlib
import tomllib
from typing import Any

from tests.architecture.tree import ROOT, files

VENDOR = ROOT / "static" / "vendor"
FREE = {"MIT", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC"}


def packages() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = tomllib.loads((VENDOR / "vendor.toml").read_text(encoding="utf-8"))[
        "package"
    ]
    return listed


def test_every_file_has_the_bytes_it_was_published_with() -> None:
    listed = {file["path"]: file["sha256"] for package in packages() for file in package["file"]}
    found = {path: hashlib.sha256((VENDOR / path).read_bytes()).hexdigest() for path in listed}
    assert found == listed


def test_nothing_lies_there_unlisted() -> None:
    listed = {file["path"] for package in packages() for file in package["file"]}
    listed |= {package["licence_file"] for package in packages()} | {"vendor.toml"}
    assert {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()} == listed


def test_every_package_is_free_and_carries_its_licence() -> None:
    for package in packages():
        text = (VENDOR / package["licence_file"]).read_text(encoding="utf-8")
        assert package["licence"] in FREE
        assert "Permission" in text
        assert package["source"].endswith(f"{package['name']}@{package['version']}")


def test_apexcharts_is_the_last_one_under_mit() -> None:
    banner = (VENDOR / "apexcharts" / "apexcharts.min.js").read_text(encoding="utf-8")[:200]
    assert "ApexCharts v4.7.0" in banner
    assert "Released under the MIT License" in banner
    assert (VENDOR / "apexcharts" / "LICENSE").read_text(encoding="utf-8").startswith("The MIT License (MIT)")


def test_every_file_is_used_by_a_page() -> None:
    pages = "".join(
        path.read_text(encoding="utf-8") for path in files(".html", ".js", under=("templates", "static"))
    )
    listed = [file["path"] for package in packages() for file in package["file"]]
    assert [path for path in listed if f"vendor/{path}" not in pages] == []
