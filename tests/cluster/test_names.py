"""Names as long as Kubernetes and we allow: nothing made of them is too long."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.lab import (
    BACKBONE,
    RESTRICTED,
    SMALL_DATA,
    VALUES,
    Lab,
    kubectl,
)
from tests.conftest import REPOSITORY

RELEASE, NAMESPACE, DATASET = "r" * 53, "lcc-" + "x" * 59, "n" * 40

pytestmark = pytest.mark.extended


@pytest.fixture
def long_lab(kubeconfig: str, tmp_path: Path) -> Iterator[Lab]:
    kubectl("create", "namespace", NAMESPACE)
    kubectl("label", "namespace", NAMESPACE, RESTRICTED)
    command = ["helm", "install", RELEASE, str(REPOSITORY / "charts" / "lcc")]
    done = subprocess.run(
        [*command, "-n", NAMESPACE, "--wait", "--timeout", "5m", "--values", VALUES],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    yield Lab(NAMESPACE, tmp_path)
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def test_the_longest_names_go_through_every_kind_of_object(
    long_lab: Lab, tiles: Path, backbones: Path
) -> None:
    small = ("--set", f"model.backbone={BACKBONE}", "--epochs", "1", "--name", DATASET)
    size = ("--set", "data.tile_size_px=32")
    source = f"s3://lcc/sources/{DATASET}"
    for command in (
        ("upload", str(backbones), "s3://lcc/backbones"),
        ("upload", str(tiles), source),
        ("prepare", source, *SMALL_DATA),
        ("train", *small, *size, "--pods", "2", "--gpus", "1"),
        ("train", *small, *size, "--detach"),
        ("status", "--watch"),
    ):
        done = long_lab.launch(*command)
        assert done.returncode == 0, done.stderr
