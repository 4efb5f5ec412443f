"""The last words of a run: where MLflow is looked at."""

from pathlib import Path

import pytest

from lcc.launch.closing import closing_lines
from lcc.launch.state import RunState
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
