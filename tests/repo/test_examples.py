"""Each file of examples/ does what its first lines say."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from lcc.cli.main import cli
from tests.builders.settings import load_settings
from tests.conftest import REPOSITORY

FILES = sorted((REPOSITORY / "examples").glob("*.yaml"))
ON_A_CLUSTER = ("gpu-node", "several-pods", "spot")


def head_of(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    lines = re.match(r"(#.*\n)+", text)
    assert lines is not None
    return re.sub(r"^# ?", "", lines[0], flags=re.MULTILINE)


def commands_of(file: Path) -> Iterator[list[str]]:
    head = head_of(file).replace("\\\n", " ")
    for line in re.findall(r"^ +lcc-launch (.*)$", head, flags=re.MULTILINE):
        yield shlex.split(line)


def manifests_of(name: str) -> list[dict[str, Any]]:
    (command,) = commands_of(REPOSITORY / "examples" / f"{name}.yaml")
    printed = [w for w in command if w != "--detach"] + ["--dry-run", "client"]
    if "--local" not in command:  # no cluster is asked
        printed += ["--values", "k8s/chart.yaml", "--set", "data.name=tiles"]
    result = CliRunner().invoke(cli, printed)
    assert result.exit_code == 0, result.output
    return list(yaml.safe_load_all(result.output))


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_holds_settings(file: Path) -> None:
    assert load_settings(file=file) != load_settings()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_says_its_command_and_what_comes_of_it(file: Path) -> None:
    (command,) = commands_of(file)

    assert f"examples/{file.name}" in command
    assert "\nExpected: " in head_of(file)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_command_of_an_example_renders(file: Path) -> None:
    assert manifests_of(file.stem)


@pytest.mark.parametrize("name", ON_A_CLUSTER)
def test_a_pod_accepts_the_taint_of_gpu_nodes(name: str) -> None:
    (job,) = (item for item in manifests_of(name) if item["kind"] == "Job")
    pod = job["spec"]["template"]["spec"]

    assert "nvidia.com/gpu" in [taint["key"] for taint in pod["tolerations"]]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "4"


def test_several_pods_are_a_job_of_two_and_a_service() -> None:
    found = {item["kind"]: item for item in manifests_of("several-pods")}

    assert set(found) == {"Service", "Job"}
    assert found["Job"]["spec"]["completions"] == 2


def test_a_spot_pod_has_time_for_a_checkpoint() -> None:
    pod = manifests_of("spot")[-1]["spec"]["template"]["spec"]

    assert pod["terminationGracePeriodSeconds"] == 25
    assert pod["nodeSelector"] == {"cloud.google.com/gke-spot": "true"}


def test_the_steps_of_an_own_bucket_work_on_it() -> None:
    (plan,) = manifests_of("own-s3")

    assert plan["settings"]["storage"]["root"] == "s3://our-bucket/study"


def test_an_own_split_is_a_file_beside_the_settings() -> None:
    (plan,) = manifests_of("own-split")

    data = plan["settings"]["data"]
    assert data["split_csv"] == (REPOSITORY / "split.csv").as_uri()
