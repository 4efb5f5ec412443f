"""The last words of a run: what to look at, and how."""

import json
from pathlib import Path

import pytest

from lcc.backends.local.backend import LocalBackend
from lcc.config.commands import Place, working_at
from lcc.config.settings import Settings
from lcc.launch.backend import Backend
from lcc.launch.messages import summarize_run
from lcc.launch.state import RunState
from lcc.storage import layout
from lcc.storage.local import LocalStore
from lcc.storage.uri import local_path
from lcc.tracking.tracker import Tracker
from tests.builders.clusters import FakeCluster, a_backend
from tests.builders.launches import a_state, a_store, local_settings


def backend_of(kind: str, store: LocalStore, settings: Settings) -> Backend:
    if kind == "kubernetes":
        return a_backend(FakeCluster(), settings, store)
    return LocalBackend(settings=settings, store=store)


@pytest.mark.parametrize(
    ("backend", "uri", "expected"),
    [
        pytest.param("kubernetes", "http://lcc-mlflow.lab.svc:5000",
                     "lcc-launch mlflow", id="inside the cluster"),
        pytest.param("kubernetes", "https://mlflow.example.org",
                     "https://mlflow.example.org", id="outside it"),
        pytest.param("local", "sqlite:////tmp/mlflow.db",
                     "mlflow ui --backend-store-uri sqlite:////tmp/mlflow.db",
                     id="a database"),
        pytest.param("local", "sqlite:////my study/mlflow.db",
                     "mlflow ui --backend-store-uri 'sqlite:////my study/mlflow.db'",
                     id="a database in a folder with a space"),
    ],
)  # fmt: skip
def test_the_last_line_says_how_to_open_mlflow(
    tmp_path: Path, backend: str, uri: str, expected: str
) -> None:
    store = a_store(tmp_path)
    run: RunState = a_state("train-20261123-0915-k3f9")
    settings = local_settings(
        store,
        tracking__uri=uri,
        cluster__namespace="lab",
    )

    assert (
        summarize_run(backend_of(backend, store, settings), run, settings)[-1]
        == f"MLflow    {expected}"
    )


def write_results(store: LocalStore, run_id: str, *, left_out: list) -> None:
    pointer = {"name": "tiles", "digest": "ab" * 32}
    documents = {
        layout.catalogue_pointer(run_id): pointer,
        layout.audit(**pointer): {
            "alarms": [{"text": "family 3: holds 90 pictures"}],
            "classes": {"lung n": {"kept": 12}, "lung_aca": {"kept": 9}},
            "conversions": {"grey": 2, "twelve_bit": 9},
            "notes": ["samples of more than 8 bits"],
        },
        layout.splits(**pointer): {"notes": ["Never split: family, patient."]},
        layout.left_out_summary(run_id): {
            "files": 40,
            "left_out": left_out,
            "notes": ["classes are the folders of level 1"],
        },
    }
    for key, document in documents.items():
        store.write(key, json.dumps(document).encode())


def last_words(tmp_path: Path, backend: str = "local", left_out=()) -> list[str]:
    store = a_store(tmp_path)
    run = a_state("prepare-20261123-0915-k3f9")
    write_results(store, run.run_id, left_out=list(left_out))
    settings = local_settings(
        store,
        tracking__uri="https://mlflow.example.org",
        cluster__namespace="lab",
    )
    return summarize_run(backend_of(backend, store, settings), run, settings)


def test_prepare_names_its_alarms_its_split_and_how_to_look_at_families(
    tmp_path: Path,
) -> None:
    with working_at(Place(root="/my study")):
        lines = [line.strip() for line in last_words(tmp_path)]

    assert "alarm: family 3: holds 90 pictures" in lines
    assert "Never split: family, patient." in lines
    assert lines[-2] == (
        "lcc-launch families --name tiles --gallery families.html --root '/my study'"
    )


def test_prepare_names_classes_and_what_it_left_out(tmp_path: Path) -> None:
    bad = {"reason": "empty", "count": 11, "advice": "copy it again"}
    first = [f"a/{number}.png" for number in range(10)]

    lines = last_words(tmp_path, left_out=[bad | {"first": first}])

    table = local_path(a_store(tmp_path).uri) / layout.left_out(
        "prepare-20261123-0915-k3f9"
    )
    assert [line[10:] for line in lines[1:10]] == [
        "classes lung n 12, lung_aca 9",
        "converted 2 grey, 9 twelve_bit",
        "samples of more than 8 bits",
        "classes are the folders of level 1",
        "left out 11 of 40 files",
        "  11 empty (copy it again)",
        f"    {', '.join(first)} …",
        f"  all of them: {table}",
        "alarm: family 3: holds 90 pictures",
    ]


def test_prepare_says_nothing_of_files_where_none_was_left_out(tmp_path: Path) -> None:
    assert not [line for line in last_words(tmp_path) if "left out" in line]


def test_of_each_turn_only_what_came_of_it_is_told(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    stages = {
        "train Basel": "train-1",
        "evaluate Basel": "evaluate-1",
        "train Bern": "train-2",
        "evaluate Bern": "evaluate-2",
        "evaluate": "evaluate-3",
    }
    run = a_state("pipeline-20261123-0915-k3f9", stages=stages, steps=[])
    for run_id, name in (("evaluate-1", "test"), ("evaluate-3", "turns")):
        with Tracker(store, run_id=run_id, writer="test") as tracker:
            tracker.log_metrics({f"{name}/macro_f1": 0.75})
    verdict = json.dumps({"verdict": "Better than colours."}).encode()
    store.write(layout.evaluation("evaluate-1", "metrics.json"), verdict)
    settings = local_settings(store)

    found = summarize_run(backend_of("local", store, settings), run, settings)

    figures = [line.strip() for line in found if "report.html" not in line]
    assert figures[:-1] == [
        "evaluate Basel evaluate-1",
        "macro F1 0.750",
        "Better than colours.",
        "evaluate Bern evaluate-2",
        "evaluate  evaluate-3",
        "mean of all turns, macro F1 0.750",
    ]
