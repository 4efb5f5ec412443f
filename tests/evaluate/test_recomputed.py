"""A reviewer computes the figures anew from `predictions.csv`, with other libraries."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from lcc.evaluate.judging import build_report
from lcc.evaluate.results import result_files
from tests.evaluate.test_report import some_evidence

RESAMPLES = 200  # as `some_evidence` asks for, with seed 0


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return result_files(build_report(some_evidence(others={}), title="a study"))


@pytest.fixture(scope="module")
def document(files: dict[str, bytes]) -> dict:
    return json.loads(files["metrics.json"])


@pytest.fixture(scope="module")
def table(files: dict[str, bytes]) -> pd.DataFrame:
    rows = pd.read_csv(io.BytesIO(files["predictions.csv"]))
    return rows[rows["part"] == "test"]


def said(table: pd.DataFrame, kind: str) -> tuple[np.ndarray, list[str]]:
    columns = [name for name in table.columns if name.startswith(f"{kind}/")]
    names = [name.removeprefix(f"{kind}/") for name in columns]
    return table[columns].to_numpy(), names


def drawn_weights(table: pd.DataFrame, labels: np.ndarray, num_classes: int) -> list:
    """Return the weight of each image in every resample of groups, drawn by class."""
    codes = np.unique(table["group"], return_inverse=True)[1]
    classes = np.array([labels[codes == code][0] for code in range(codes.max() + 1)])
    draw = np.random.default_rng(0)
    counts = np.ones((RESAMPLES, len(classes)))
    for number in range(num_classes):
        own = np.flatnonzero(classes == number)
        even = np.full(len(own), 1 / len(own))
        counts[:, own] = draw.multinomial(len(own), even, RESAMPLES)
    return [row[codes] for row in counts]


def test_scikit_learn_finds_the_same_metrics_in_the_csv(table, document):
    probabilities, names = said(table, "calibrated")
    labels = table["label"].map(names.index).to_numpy()
    predicted = table["predicted"].map(names.index).to_numpy()
    assert (predicted == probabilities.argmax(axis=1)).all()
    expected = {
        "accuracy": sk.accuracy_score(labels, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
        "macro_f1": sk.f1_score(labels, predicted, average="macro"),
        "mcc": sk.matthews_corrcoef(labels, predicted),
        "auroc": sk.roc_auc_score(labels, probabilities, multi_class="ovr"),
        "brier": ((probabilities - np.eye(len(names))[labels]) ** 2).sum(axis=1).mean(),
        "log_loss": sk.log_loss(labels, probabilities),
    }

    found = {name: document["metrics"][name]["value"] for name in expected}

    assert found == pytest.approx(expected, abs=1e-9)
    assert document["num_images"] == len(table)
    assert document["num_groups"] == table["group"].nunique()


def test_numpy_finds_the_same_calibration_error_before_calibration(table, document):
    probabilities, names = said(table, "raw")
    labels = table["label"].map(names.index).to_numpy()
    sure = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == labels
    # All say the same here: one bin. What chance adds is taken off its squared gap.
    assert len(np.unique(sure.round(9))) == 1
    weights = drawn_weights(table, labels, len(names))
    gaps = [np.average(is_right - sure, weights=own) for own in weights]
    squared = (is_right - sure).mean() ** 2 - np.var(gaps)
    expected = np.sqrt(max(squared, 0))

    found = document["calibration"]["as the network says"]["error"]["value"]

    assert found == pytest.approx(expected, abs=1e-9)


def test_numpy_finds_the_same_interval(table, document):
    names = said(table, "calibrated")[1]
    labels = table["label"].map(names.index).to_numpy()
    is_right = (table["predicted"] == table["label"]).to_numpy()
    weights = drawn_weights(table, labels, len(names))
    values = [np.average(is_right, weights=own) for own in weights]

    found = document["metrics"]["accuracy"]

    expected = np.quantile(values, (0.025, 0.975)).tolist()
    assert [found["lower"], found["upper"]] == pytest.approx(expected, abs=1e-9)
