"""Put the turns of a study together: each value of an axis was the test once.

Knows the metrics that evaluations left; reads no images and no model.
"""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lcc.evaluate.bootstrap import Estimate
from lcc.evaluate.kept import keep_files
from lcc.evaluate.page import render_page
from lcc.evaluate.plots import plot_comparison
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.tracker import Tracker

TEMPLATE = "turns.html.j2"
METRICS = ("macro_f1", "balanced_accuracy", "accuracy", "auroc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn: a value that was left out of training, and how the model did on it.

    Attributes:
        value: The value, e.g. the name of a site.
        run_id: Its evaluation.
        num_images: Images of the test.
        num_groups: Groups they come from.
        metrics: Estimates by name.
        baseline: Macro F1 of the best baseline, none where none was asked for.
    """

    value: str
    run_id: str
    num_images: int
    num_groups: int
    metrics: Mapping[str, Estimate]
    baseline: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A metric over turns; each turn counts once, however many images it has.

    Attributes:
        mean: Mean.
        deviation: Standard deviation over the turns (n - 1).
        least: Lowest.
        least_value: The value that was left out there.
    """

    mean: float
    deviation: float
    least: float
    least_value: str


def compare_turns(
    turns: Mapping[str, str], store: Store, *, axis: str, run_id: str, tracker: Tracker
) -> dict[str, Spread]:
    """Write one report of all turns, with each one's figures and their mean.

    Args:
        turns: Value that was left out → run id of its evaluation.
        store: The root.
        axis: What the values are of.
        run_id: This run; `turns.json` and `report.html` lie below it.
        tracker: Reports to the run.

    Returns:
        Metric → its spread over the turns that have it.
    """
    found = [read_turn(store, value, own) for value, own in turns.items()]
    spreads = spread_of(found)
    document = {
        "axis": axis,
        "turns": [asdict(turn) for turn in found],
        "mean": {name: asdict(spread) for name, spread in spreads.items()},
    }
    files = {
        "turns.json": json.dumps(document, indent=1).encode(),
        "report.html": render_turns(found, spreads, axis=axis).encode(),
    }
    keep_files(files, store, run_id=run_id, tracker=tracker)
    for name, spread in spreads.items():
        figures = {"": spread.mean, "_deviation": spread.deviation}
        figures["_least"] = spread.least
        tracker.log_metrics({f"turns/{name}{k}": v for k, v in figures.items()})
    return spreads


def read_turn(store: Store, value: str, run_id: str) -> Turn:
    """Return what an evaluation found.

    Raises:
        NotFoundError: There is no such evaluation.
    """
    content = store.read(layout.evaluation(run_id, "metrics.json"))
    document: dict[str, Any] = json.loads(content)
    metrics = {
        name: Estimate(**document["metrics"][name])
        for name in METRICS
        if document["metrics"][name]["value"] is not None
    }
    baselines = [row["macro_f1"] for row in document["compared"][1:] if row["is_valid"]]
    return Turn(
        value=value,
        run_id=run_id,
        num_images=document["num_images"],
        num_groups=document["num_groups"],
        metrics=metrics,
        baseline=max(baselines, default=None),
    )


def spread_of(turns: Sequence[Turn]) -> dict[str, Spread]:
    """Return mean, deviation and least of each metric that every turn has."""
    found = {}
    for name in METRICS:
        values = {t.value: t.metrics[name].value for t in turns if name in t.metrics}
        if len(values) < len(turns):  # a test of one class has no ROC
            continue
        least = min(values, key=values.__getitem__)
        found[name] = Spread(
            mean=math.fsum(values.values()) / len(values),
            deviation=statistics.stdev(values.values()),
            least=values[least],
            least_value=least,
        )
    return found


def render_turns(
    turns: Sequence[Turn], spreads: Mapping[str, Spread], *, axis: str
) -> str:
    """Return the report of all turns as one HTML document, its picture included."""
    bars = [(turn.value, turn.metrics["macro_f1"], True) for turn in turns]
    return render_page(
        TEMPLATE,
        plots={f"Macro F1 by {axis}": plot_comparison(bars, num_own=len(bars))},
        turns=turns,
        spreads=spreads,
        metrics=METRICS,
        axis=axis,
    )
