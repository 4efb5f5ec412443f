"""The evaluate stage: read the sealed test split once, compare, draw, report.

Knows predictions and the catalogue; how a model is trained it is told by a callable.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import Catalogue
from lcc.data.tiles import Tiles
from lcc.evaluate.baselines import (
    BASELINES,
    cross_validate,
    predict_baseline,
    random_folds,
)
from lcc.evaluate.by_axis import judge_by_axis
from lcc.evaluate.metrics import Judgement, judge
from lcc.evaluate.plots import (
    Mistake,
    plot_comparison,
    plot_confusion,
    plot_curves,
    plot_mistakes,
    plot_roc,
)
from lcc.evaluate.report import ComparedModel, Report
from lcc.search.select import describe_folds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PREMIUM = "same recipe on a random split"


class TrainOn(Protocol):
    """Training by the recipe of the model that is judged, on other rows."""

    def __call__(self, training: Ints, validation: Ints, test: Ints, /) -> Floats:
        """Return (k, classes) probabilities of the k test rows.

        Args:
            training: (n,) rows of the catalogue to learn from.
            validation: (m,) rows that each epoch is measured on.
            test: (k,) rows to predict.
        """


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the judge is given.

    Attributes:
        catalogue: The data set.
        tiles: Its packed tiles.
        settings: What to measure.
        probabilities: (n, classes) of the test rows, in catalogue order.
        history: Columns of the training's CSV.
        card: Facts of the model, `model.json`.
        search: Facts of the search, empty without one.
        documents: `splits.json` and `audit.json` of the catalogue.
        lineage: Digests, versions, seeds.
        train_on: For the leak premium; none: not asked for.
    """

    catalogue: Catalogue
    tiles: Tiles
    settings: EvaluateSettings
    probabilities: Floats
    history: Mapping[str, list[float]]
    card: Mapping[str, Any]
    search: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, object] = field(default_factory=dict)
    train_on: TrainOn | None = None


def build_report(evidence: Evidence, *, title: str) -> Report:
    """Judge the model and everything it is compared with."""
    catalogue = evidence.catalogue
    test = catalogue.rows("test")
    own = _judge_rows(evidence, test, evidence.probabilities)
    by_group = evidence.search.get("mean")
    rows = [
        ComparedModel(
            name="this model, split by group",
            estimate=own.metrics["macro_f1"],
            by_group=by_group,
        )
    ]
    if evidence.settings.baselines:
        rows += _judge_baselines(evidence)
    verdict, is_better = _compare(rows)
    if evidence.train_on is not None:
        rows.append(_leak_premium(evidence, evidence.train_on))
    validation = evidence.documents.get("splits", {})
    return Report(
        title=title,
        judgement=own,
        class_names=catalogue.class_names,
        confidence=evidence.settings.confidence,
        num_families=len(np.unique(catalogue.families[test])),
        verdict=verdict,
        is_better=is_better,
        rows=rows,
        plots=_draw(evidence, own, rows),
        search=_describe_search(evidence.search, validation.get("rules")),
        counts=validation.get("images", {}),
        statuses=dict(Counter(catalogue.table["status"].to_pylist())),
        checks=validation.get("checks", ()),
        split_notes=validation.get("notes", ()),
        never_split=validation.get("rules", {}).get("never_split", ()),
        by_axis=judge_by_axis(
            catalogue, evidence.probabilities, settings=evidence.settings
        ),
        lineage=evidence.lineage,
        alarms=[
            a["text"] for a in evidence.documents.get("audit", {}).get("alarms", ())
        ],
    )


def _judge_rows(evidence: Evidence, rows: Ints, probabilities: Floats) -> Judgement:
    catalogue = evidence.catalogue
    return judge(
        catalogue.labels[rows],
        probabilities,
        catalogue.groups[rows],
        class_names=catalogue.class_names,
        settings=evidence.settings,
    )


def _judge_baselines(evidence: Evidence) -> list[ComparedModel]:
    """Fit each baseline on the training split; judge it on the test and by folds."""
    catalogue, seed = evidence.catalogue, evidence.settings.seed
    training, test = catalogue.rows("train"), catalogue.rows("test")
    development = np.sort(np.concatenate([training, catalogue.rows("validation")]))
    folds = catalogue.folds[development]
    shuffled = random_folds(len(development), num_folds=int(folds.max()) + 1, seed=seed)
    found = []
    for baseline in BASELINES:
        seen = {
            int(row): baseline.see(evidence.tiles.take(catalogue.records[[row]])[0])
            for row in (*development, *test)
        }

        def features(rows: Ints, seen: dict[int, Floats] = seen) -> Floats:
            return np.stack([seen[int(row)] for row in rows])

        probabilities = predict_baseline(
            baseline,
            (features(training), catalogue.labels[training]),
            features(test),
            num_classes=len(catalogue.class_names),
            seed=seed,
        )
        judged = _judge_rows(evidence, test, probabilities)
        inside, labels = features(development), catalogue.labels[development]
        found.append(
            ComparedModel(
                name=baseline.name,
                estimate=judged.metrics["macro_f1"],
                by_group=cross_validate(baseline, inside, labels, folds, seed=seed),
                at_random=cross_validate(baseline, inside, labels, shuffled, seed=seed),
            )
        )
    return found


def _compare(rows: list[ComparedModel]) -> tuple[str, bool]:
    """Return the verdict: is the lower bound above every baseline?"""
    own, baselines = rows[0], rows[1:]
    if not baselines:
        return "Baselines were not asked for (evaluate.baselines).", True
    best = max(baselines, key=lambda row: row.estimate.value)
    if own.estimate.lower > best.estimate.value:
        return (
            f"The lower bound of this model ({own.estimate.lower:.3f}) lies above the "
            f"best baseline ({best.name}, {best.estimate.value:.3f}).",
            True,
        )
    return (
        f"The lower bound of this model ({own.estimate.lower:.3f}) does not lie above "
        f"the best baseline ({best.name}, {best.estimate.value:.3f}): it has not been "
        "shown to have learnt anything worth a GPU.",
        False,
    )


def _leak_premium(evidence: Evidence, train_on: TrainOn) -> ComparedModel:
    """Train the same recipe on a random split of the same sizes."""
    catalogue = evidence.catalogue
    sizes = [len(catalogue.rows(split)) for split in ("train", "validation", "test")]
    draw = np.random.default_rng(evidence.settings.seed)
    shuffled = draw.permutation(catalogue.rows())
    training, validation, test = (
        np.sort(part) for part in np.split(shuffled, np.cumsum(sizes)[:-1])
    )
    probabilities = train_on(training, validation, test)
    judged = _judge_rows(evidence, test, probabilities)
    return ComparedModel(
        name=PREMIUM, estimate=judged.metrics["macro_f1"], is_valid=False
    )


def _draw(
    evidence: Evidence, own: Judgement, rows: list[ComparedModel]
) -> dict[str, bytes]:
    catalogue = evidence.catalogue
    test = catalogue.rows("test")
    names = catalogue.class_names
    own_first = [rows[0], *sorted(rows[1:], key=lambda row: row.is_valid)]
    bars = [(row.label, row.estimate, row.is_valid) for row in own_first]
    plots = {"Honest and inflated": plot_comparison(bars)} if len(bars) > 1 else {}
    plots["Confusion"] = plot_confusion(own.confusion, names)
    plots["ROC"] = plot_roc(
        catalogue.labels[test], evidence.probabilities, names, own.metrics
    )
    if evidence.history:
        best = int(evidence.card["best_epoch"])
        plots["Training"] = plot_curves(evidence.history, best_epoch=best)
    mistakes = find_mistakes(evidence)
    if mistakes:
        plots["Worst mistakes"] = plot_mistakes(mistakes)
    return plots


def find_mistakes(evidence: Evidence) -> list[Mistake]:
    """Return the test tiles that the model was most wrong about, worst first."""
    catalogue, probabilities = evidence.catalogue, evidence.probabilities
    test = catalogue.rows("test")
    labels = catalogue.labels[test]
    predicted = probabilities.argmax(axis=1)
    certainty = probabilities.max(axis=1) - probabilities[np.arange(len(test)), labels]
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-certainty[wrong], kind="stable")]
    names = catalogue.class_names
    return [
        Mistake(
            path=catalogue.paths[test[row]],
            tile=evidence.tiles.take(catalogue.records[test[[row]]])[0],
            actual=names[labels[row]],
            predicted=names[predicted[row]],
            probability=float(probabilities[row].max()),
        )
        for row in worst[: evidence.settings.num_mistakes].tolist()
    ]


def _describe_search(
    search: Mapping[str, Any], rules: Mapping[str, Any] | None
) -> dict[str, object]:
    if not search:
        return {}
    folds = {"folds keep whole": describe_folds(rules)} if rules else {}
    return folds | {
        "best point": json.dumps(search["point"]),
        "macro F1 over folds by group": (
            f"{search['mean']:.3f} ± {search['standard_error']:.3f} (standard error, "
            f"{search['num_folds']} folds)"
        ),
        "highest mean of all points": f"{search['top_mean']:.3f}",
        "failed trials": search["num_failed"],
    }


def read_history(content: bytes) -> dict[str, list[float]]:
    """Return the columns of Keras' CSVLogger; what is not a number is left out."""
    columns: dict[str, list[float]] = {}
    for row in csv.DictReader(io.StringIO(content.decode())):
        for name, text in row.items():
            if text and text != "NA":
                columns.setdefault(name, []).append(float(text))
    return columns
