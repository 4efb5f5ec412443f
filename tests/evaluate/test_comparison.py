"""Turns put together: from the metrics of evaluations to one report."""

import json
import re
from pathlib import Path

import pytest

from lcc.errors import NotFoundError
from lcc.evaluate.comparison import compare_turns
from lcc.storage import layout
from lcc.storage.local import LocalStore
from lcc.tracking.tracker import Tracker


def leave_evaluation(
    store: LocalStore, run_id: str, *, macro_f1: float, auroc: float | None = 0.9
) -> str:
    values = {"macro_f1": macro_f1, "accuracy": 0.8, "balanced_accuracy": 0.8}
    document = {
        "metrics": {
            name: {"value": value, "lower": value, "upper": value}
            for name, value in (values | {"auroc": auroc}).items()
        },
        "num_images": 40,
        "num_groups": 12,
        "compared": [
            {"name": "this model", "macro_f1": macro_f1, "is_valid": True},
            {"name": "colours", "macro_f1": 0.41, "is_valid": True},
            {"name": "random split", "macro_f1": 0.99, "is_valid": False},
        ],
    }
    content = json.dumps(document).encode()
    store.write(layout.evaluation(run_id, "metrics.json"), content)
    return run_id


def compare(store: LocalStore, turns: dict[str, str]) -> tuple[dict, str]:
    """Return the spreads and the page of a comparison."""
    with Tracker(store, run_id="evaluate-9", writer="test") as tracker:
        found = compare_turns(
            turns, store, axis="site", run_id="evaluate-9", tracker=tracker
        )
    return found, store.read(layout.report("evaluate-9")).decode()


def test_turns_have_one_mean_and_each_its_row(tmp_path: Path):
    store = LocalStore(tmp_path)
    turns = {
        "Basel": leave_evaluation(store, "evaluate-1", macro_f1=0.9),
        "<Bern>": leave_evaluation(store, "evaluate-2", macro_f1=0.6),
        "Genf": leave_evaluation(store, "evaluate-3", macro_f1=0.9),
    }

    spreads, page = compare(store, turns)

    f1 = spreads["macro_f1"]
    assert (f1.mean, f1.least, f1.least_value) == (pytest.approx(0.8), 0.6, "<Bern>")
    assert f1.deviation == pytest.approx(0.1732, abs=1e-4)
    assert "<b>0.800</b> mean macro F1" in page
    assert "&lt;Bern&gt;" in page
    assert all(run_id in page for run_id in turns.values())
    assert "0.410" in page
    assert "0.990" not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    document = json.loads(store.read(layout.evaluation("evaluate-9", "turns.json")))
    assert [turn["value"] for turn in document["turns"]] == list(turns)
    assert document["mean"]["macro_f1"]["least_value"] == "<Bern>"


def test_a_metric_that_a_turn_lacks_has_no_mean(tmp_path: Path):
    store = LocalStore(tmp_path)
    turns = {
        "Basel": leave_evaluation(store, "evaluate-1", macro_f1=0.9),
        "Bern": leave_evaluation(store, "evaluate-2", macro_f1=0.6, auroc=None),
    }

    spreads, page = compare(store, turns)

    assert "auroc" not in spreads
    assert "<td>–</td>" in page


def test_an_evaluation_that_is_not_there_is_named(tmp_path: Path):
    store = LocalStore(tmp_path)

    with pytest.raises(NotFoundError, match=r"evaluate-1/metrics\.json: not found"):
        compare(store, {"Basel": "evaluate-1", "Bern": "evaluate-2"})
