"""The chart, rendered by helm into plain objects."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY

CHART = REPOSITORY / "charts" / "lcc"
EVERYTHING = Path(__file__).parent / "everything-values.yaml"
KUBERNETES = "1.34.0"  # stated, because every build of helm assumes another
# An external store and database: the chart then makes no Secret.
EXTERNAL = {
    "s3.enabled": "false",
    "s3.endpointUrl": "https://s3.example.org",
    "s3.existingSecret.name": "bucket-keys",
    "postgresql.enabled": "false",
    "postgresql.host": "db.example.org",
    "postgresql.existingSecret.name": "database",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What helm said."""

    code: int
    out: str
    err: str


def run_helm(*arguments: str) -> Done:
    """Run helm, or skip where there is none."""
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("no helm: install Helm 3.18 or later and put it on the PATH")
    done = subprocess.run(
        [helm, *arguments], capture_output=True, text=True, check=False, env=os.environ
    )
    return Done(code=done.returncode, out=done.stdout, err=done.stderr)


def template(
    values: Mapping[str, str] | None = None,
    *,
    files: Sequence[Path] = (),
    release: str = "lcc",
    flags: Sequence[str] = (),
) -> Done:
    """Run `helm template` in the namespace lab."""
    sets = [f"--set={path}={value}" for path, value in (values or {}).items()]
    given = [f"--values={file}" for file in files]
    return run_helm(
        *("template", release, str(CHART), "-n", "lab"),
        *(f"--kube-version={KUBERNETES}", *given, *sets, *flags),
    )


def render(
    values: Mapping[str, str] | None = None,
    *,
    files: Sequence[Path] = (),
    release: str = "lcc",
) -> list[dict[str, Any]]:
    """Return every object of the chart."""
    done = template(values, files=files, release=release)
    assert done.code == 0, done.err
    return [item for item in yaml.safe_load_all(done.out) if item]


def find(objects: Sequence[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """Return the one object of that kind and name."""
    (found,) = (
        o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name)
    )
    return found


def pods_of(
    objects: Sequence[dict[str, Any]],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and template of every pod that the objects start."""
    for item in objects:
        name = f"{item['kind']}/{item['metadata']['name']}"
        if item["kind"] == "Pod":
            yield name, item
        elif item["kind"] == "CronJob":
            yield name, item["spec"]["jobTemplate"]["spec"]["template"]
        elif "template" in item.get("spec", {}):
            yield name, item["spec"]["template"]


def containers_of(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every container of a pod, those that run first included."""
    spec = pod["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def settings_of(objects: Sequence[dict[str, Any]], release: str = "lcc") -> str:
    """Return the lcc.yaml that the chart makes."""
    text = find(objects, "ConfigMap", f"{release}-settings")["data"]["lcc.yaml"]
    assert isinstance(text, str)
    return text
