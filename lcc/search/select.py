"""Choose the best point from the results of all trials, and tabulate them.

Pure: knows no files. The table has the columns of scikit-learn's `cv_results_`.
"""

import csv
import io
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lcc.search.grid import Point

# Regularisation of a point, strongest first: more of the first counts before the next.
REGULARISERS = (
    "train.weight_decay",
    "model.dropout",
    "train.label_smoothing",
)
METRIC = "macro_f1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """The result of one trial.

    Attributes:
        point_index: Number of the point.
        point: The point.
        fold: Fold validated on.
        scores: macro_f1, accuracy, loss on that fold; none where the trial failed.
        best_epoch: Epoch of the scores.
        num_parameters: Trainable parameters.
        fit_seconds: Time of training.
        error: Why it failed, none where it did not.
    """

    point_index: int
    point: Point
    fold: int
    scores: Mapping[str, float] | None = None
    best_epoch: int = 0
    num_parameters: int = 0
    fit_seconds: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BestPoint:
    """The chosen point, the content of `best.json`.

    Attributes:
        point: The point.
        point_index: Its number in the grid.
        mean: Mean macro F1 over folds, 0–1.
        standard_error: Of that mean.
        top_mean: Highest mean of all points; the choice is within its standard error.
        num_folds: Folds.
        refit_epochs: Median over folds of the epochs to the best weights.
        num_failed: Trials that failed.
        trial_ids: Of its trials, by fold; they have left predictions of their folds.
    """

    point: Point
    point_index: int
    mean: float
    standard_error: float
    top_mean: float
    num_folds: int
    refit_epochs: int
    num_failed: int
    trial_ids: tuple[str, ...] = ()

    def dump(self) -> bytes:
        """Return the content of `best.json`."""
        return json.dumps(asdict(self), indent=2).encode()


def parse_best(content: bytes) -> BestPoint:
    """Return what `BestPoint.dump` wrote."""
    document = json.loads(content)
    return BestPoint(**document | {"trial_ids": tuple(document["trial_ids"])})


def parse_result(content: bytes) -> TrialResult:
    """Return the result of one trial's object; unknown fields are left out."""
    document = json.loads(content)
    return TrialResult(
        **{name: document[name] for name in TrialResult.__slots__ if name in document}
    )


def choose_best(
    results: Sequence[TrialResult], *, trial_ids: Sequence[str] = ()
) -> BestPoint | None:
    """Return the simplest point within one standard error of the best mean.

    Simpler means fewer trainable parameters, then stronger regularisation, then earlier
    in the grid. A point with a failed trial is never chosen; None when all have one.

    Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2nd ed.,
    section 7.10 (the one-standard-error rule).

    Args:
        results: Of all trials.
        trial_ids: Their ids, by point and fold.
    """
    by_point = _by_point(results)
    sound = {
        index: found
        for index, found in by_point.items()
        if all(result.scores is not None for result in found)
    }
    if not sound:
        return None
    means = {index: statistics.fmean(_scores(found)) for index, found in sound.items()}
    top = max(means, key=lambda index: (means[index], -index))
    limit = means[top] - _standard_error(_scores(sound[top]))
    chosen = min(
        (index for index in sound if means[index] >= limit),
        key=lambda index: _complexity(sound[index][0]),
    )
    found = sound[chosen]
    epochs = [result.best_epoch + 1 for result in found]
    return BestPoint(
        point=found[0].point,
        point_index=chosen,
        mean=means[chosen],
        standard_error=_standard_error(_scores(found)),
        top_mean=means[top],
        num_folds=len(found),
        refit_epochs=round(statistics.median(epochs)),
        num_failed=sum(result.scores is None for result in results),
        trial_ids=tuple(trial_ids[chosen * len(found) :][: len(found)]),
    )


def tabulate(
    results: Sequence[TrialResult], *, rules: Mapping[str, Any]
) -> list[dict[str, object]]:
    """Return one row per point, with the columns of `GridSearchCV.cv_results_`.

    Scores are macro F1; accuracy and loss follow as `mean_test_accuracy` and so on. A
    failed trial is NaN in its split, and its reason stands in `error`.

    Args:
        results: Of all trials.
        rules: What folds keep whole and balance, as in `splits.json`; `folds_by` says
            it in words.
    """
    by_point = _by_point(results)
    means = {index: _mean(_scores(found)) for index, found in by_point.items()}
    folds_by = describe_folds(rules)
    return [
        _row(found, rank=_rank(means, index)) | {"folds_by": folds_by}
        for index, found in sorted(by_point.items())
    ]


def describe_folds(rules: Mapping[str, Any]) -> str:
    """Return by what folds were made, from the rules in `splits.json`.

    Example:
        >>> rules = {"never_split": ["family", "patient"], "balance_over": ["site"]}
        >>> describe_folds(rules)
        'family, patient; balanced over site'
    """
    whole = ", ".join(rules["never_split"])
    balanced = ", ".join(rules["balance_over"])
    return f"{whole}; balanced over {balanced}" if balanced else whole


def write_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as CSV, the columns of the first row in its order."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(found: Sequence[TrialResult], *, rank: int) -> dict[str, object]:
    times = [result.fit_seconds for result in found]
    row: dict[str, object] = {
        "mean_fit_time": statistics.fmean(times),
        "std_fit_time": statistics.pstdev(times),
        # The score is taken in the epoch itself, so that it has no time of its own.
        "mean_score_time": 0.0,
        "std_score_time": 0.0,
    }
    point = found[0].point
    row |= {f"param_{name}": value for name, value in point.items()}
    row["params"] = json.dumps(point, sort_keys=True)
    scores = _scores(found)
    row |= {f"split{fold}_test_score": score for fold, score in enumerate(scores)}
    row |= {
        "mean_test_score": _mean(scores),
        "std_test_score": _deviation(scores),
        "rank_test_score": rank,
    }
    for metric in ("accuracy", "loss"):
        row[f"mean_test_{metric}"] = _mean(_scores(found, metric))
    errors = [f"fold {r.fold}: {r.error}" for r in found if r.error is not None]
    return row | {
        "num_parameters": max(result.num_parameters for result in found),
        "error": "; ".join(errors),
    }


def _by_point(results: Sequence[TrialResult]) -> dict[int, list[TrialResult]]:
    by_point: dict[int, list[TrialResult]] = {}
    for result in sorted(results, key=lambda result: (result.point_index, result.fold)):
        by_point.setdefault(result.point_index, []).append(result)
    return by_point


def _scores(found: Sequence[TrialResult], metric: str = METRIC) -> list[float]:
    return [
        result.scores[metric] if result.scores is not None else math.nan
        for result in found
    ]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def _standard_error(values: Sequence[float]) -> float:
    if len(values) < 2:  # noqa: PLR2004 - a deviation needs two
        return 0.0
    return statistics.stdev(values) / math.sqrt(len(values))


def _rank(means: Mapping[int, float], index: int) -> int:
    """Return the rank as scikit-learn gives it: ties share the best, NaN comes last."""
    own = means[index]
    worst = -math.inf
    value = worst if math.isnan(own) else own
    others = (worst if math.isnan(mean) else mean for mean in means.values())
    return 1 + sum(other > value for other in others)


def _complexity(result: TrialResult) -> tuple[float, ...]:
    point = result.point
    strength = (-float(point.get(name, 0.0)) for name in REGULARISERS)
    return (result.num_parameters, *strength, result.point_index)
