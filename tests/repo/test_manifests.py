"""k8s/ is what the code and the chart say now; `make manifests` rewrites it."""

import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "k8s"


@pytest.fixture(scope="module")
def printer() -> dict[str, Any]:
    return runpy.run_path(str(FOLDER / "print.py"))


def test_the_printed_steps_are_current(printer: dict[str, Any]) -> None:
    wanted = printer["step_files"]() | printer["option_files"]()

    found = {path.stem: path.read_text() for path in FOLDER.glob("*.yaml")}
    assert {name: found.get(name) for name in wanted} == wanted
    assert set(found) - set(wanted) == {"chart", "values"}


def test_the_printed_chart_is_current(printer: dict[str, Any]) -> None:
    if shutil.which("helm") is None:
        pytest.skip("no helm on the PATH: install Helm 3 or 4")

    text: str = printer["CHART"] + printer["render_chart"]()

    assert Path(FOLDER / "chart.yaml").read_text() == text


def test_printed_manifests_hold_no_secret() -> None:
    text = (FOLDER / "chart.yaml").read_text()

    assert "kind: Secret\n" not in text
    assert "kubectl create secret generic lcc-s3" in text
