"""The last words of a run: what to look at, and how."""

import json
from pathlib import Path

import pytest

from lcc.launch.messages import closing_lines
from lcc.launch.state import RunState
from lcc.storage import layout
from lcc.storage.uri import local_path
from tests.builders.launches import a_state, a_store, local_settings


@pytest.mark.parametrize(
    ("backend", "uri", "expected"),
    [
        pytest.param("kubernetes", "http://lcc-mlflow.lab.svc:5000",
                     "lcc-launch mlflow -n lab", id="inside the cluster"),
        pytest.param("kubernetes", "https://mlflow.example.org",
                     "https://mlflow.example.org", id="outside it"),
        pytest.param("local", "sqlite:////tmp/mlflow.db",
                     "mlflow ui --backend-store-uri sqlite:////tmp/mlflow.db",
                     id="a database"),
    ],
)  # fmt: skip
def test_the_last_line_says_how_to_open_mlflow(
    tmp_path: Path, backend: str, uri: str, expected: str
) -> None:
    store = a_store(tmp_path)
    run: RunState = a_state("train-20261123-0915-k3f9")
    settings = local_settings(
        store,
        launch__backend=backend,
        tracking__uri=uri,
        cluster__namespace="lab",
    )

    assert closing_lines(store, run, settings)[-1] == f"MLflow    {expected}"


@pytest.mark.parametrize(
    ("backend", "command"),
    [
        pytest.param("local", "lcc-launch families --root {root}", id="a folder"),
        pytest.param("kubernetes", "lcc-launch families -n lab", id="a cluster"),
    ],
)
def test_prepare_names_its_alarms_and_how_to_look_at_families(
    tmp_path: Path, backend: str, command: str
) -> None:
    store = a_store(tmp_path)
    run = a_state("prepare-20261123-0915-k3f9")
    pointer = {"name": "tiles", "digest": "ab" * 32}
    audit = {"alarms": [{"text": "family 3: holds 90 pictures"}]}
    key = layout.catalogue_pointer("prepare-20261123-0915-k3f9")
    store.write(key, json.dumps(pointer).encode())
    key = layout.audit(**pointer)
    store.write(key, json.dumps(audit).encode())
    settings = local_settings(
        store,
        launch__backend=backend,
        tracking__uri="https://mlflow.example.org",
        cluster__namespace="lab",
    )

    lines = [line.strip() for line in closing_lines(store, run, settings)]

    place = command.format(root=local_path(store.uri))
    assert lines[1] == "alarm: family 3: holds 90 pictures"
    assert lines[-2] == f"{place} --gallery families.html"
