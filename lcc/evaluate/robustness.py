"""How much worse a model is on changed images: another scanner, stain, or hand.

Every test image, or some of every group where there are many, is changed in twelve ways
at five strengths each; the same for every run and every model.
"""

import csv
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import Catalogue
from lcc.data.strengths import GRADED_CHANGES, change_tile
from lcc.data.tiles import Tiles
from lcc.evaluate.bootstrap import Estimate, Floats, Ints, draw_groups, estimate
from lcc.evaluate.metrics import decisions_of
from lcc.evaluate.plots import plot_robustness
from lcc.evaluate.predictions import Part, Predictions, predictions_of
from lcc.evaluate.subset import spread_over_groups
from lcc.images.decode import Image8

Predict = Callable[[Image8], Floats]  # (n, side, side, 3) → (n, classes)

CURVES = "On changed images"
# Of the test: 9,600 forward passes. Meant to take less than twice the time of the rest
# of `evaluate` with frozen features on a CPU: an estimate, from seconds a tile.
MAX_IMAGES = 160
BATCH = 32  # tiles a forward pass takes
VARIANTS = tuple(
    (change, strength)
    for change, graded in GRADED_CHANGES.items()
    for strength in graded.strengths
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFigures:
    """What a model scores on images that were changed in one way.

    Attributes:
        change: What was changed.
        strength: How much, in the unit of the change.
        unit: What the strength is.
        macro_f1: Score, with its interval.
        drop: By how much it lies below that of the same images unchanged.
    """

    change: str
    strength: float
    unit: str
    macro_f1: Estimate
    drop: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """What a model scores on changed images.

    Attributes:
        figures: By change, mildest first.
        unchanged: Macro F1 of the same images unchanged.
        mean: Mean macro F1 of all changes and strengths.
        mean_drop: By how much that lies below.
        num_images: Images changed.
        num_test_images: Images of the test.
        num_groups: Groups they come from.
    """

    figures: tuple[ChangedFigures, ...]
    unchanged: Estimate
    mean: Estimate
    mean_drop: Estimate
    num_images: int
    num_test_images: int
    num_groups: int

    @property
    def by_change(self) -> dict[str, list[ChangedFigures]]:
        """Figures of each change, mildest first."""
        found: dict[str, list[ChangedFigures]] = {}
        for own in self.figures:
            found.setdefault(own.change, []).append(own)
        return found

    @property
    def worst(self) -> ChangedFigures:
        """The figures with the greatest drop."""
        return max(self.figures, key=lambda own: own.drop.value)

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    def csv(self) -> bytes:
        """Return the figures as CSV, a row for each change and strength."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        columns = ["change", "strength", "macro_f1", "lower", "upper"]
        writer.writerow([*columns, "drop", "drop_lower", "drop_upper", "unit"])
        for own in self.figures:
            score, drop = own.macro_f1, own.drop
            figures = [score.value, score.lower, score.upper]
            figures += [drop.value, drop.lower, drop.upper]
            writer.writerow([own.change, own.strength, *figures, own.unit])
        return text.getvalue().encode()


def choose_changed(catalogue: Catalogue, settings: EvaluateSettings) -> Ints:
    """Return (k,) rows of the test to change, from all groups alike, ascending."""
    rows = catalogue.rows("test")
    chosen = spread_over_groups(
        catalogue.groups[rows],
        catalogue.labels[rows],
        count=MAX_IMAGES,
        seed=settings.seed,
    )
    return np.asarray(rows[chosen])


def predict_changed(
    catalogue: Catalogue,
    tiles: Tiles,
    rows: Ints,
    *,
    predict: Predict,
    seed: int,
    progress: Callable[[int], None] = lambda count: None,  # noqa: ARG005
) -> pa.Table:
    """Return what a model says of changed images: predictions, `change`, `strength`.

    Args:
        catalogue: The data set.
        tiles: Its packed tiles.
        rows: (k,) rows of the catalogue.
        predict: The model.
        seed: Of what a change draws for an image.
        progress: Told how many images were done, one for each change and strength.
    """
    said: list[list[Floats]] = [[] for _ in VARIANTS]
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(rows), BATCH):
            records = catalogue.records[rows[start : start + BATCH]]
            images = tiles.take(records)
            for variant, own in zip(VARIANTS, said, strict=True):
                change = partial(_change, *variant, seed=seed)
                changed = list(pool.map(change, images, records.tolist()))
                own.append(predict(np.stack(changed)))
                progress(len(records))
    tables = []
    for (change_name, strength), own in zip(VARIANTS, said, strict=True):
        found = predictions_of(catalogue, rows, np.concatenate(own), part=Part.TEST)
        table = found.table.append_column("change", _repeat(change_name, len(rows)))
        strengths = _repeat(float(strength), len(rows))
        tables.append(table.append_column("strength", strengths))
    return pa.concat_tables(tables)


def _change(
    change: str, strength: float, tile: Image8, record: int, *, seed: int
) -> Image8:
    return change_tile(tile, change, strength, seed=seed, record=record)


def _repeat(value: str | float, count: int) -> pa.Array:
    return pa.array([value] * count)


def judge_robustness(
    changed: pa.Table, test: Predictions, settings: EvaluateSettings
) -> Robustness:
    """Return scores of changed images, all on the same draws of groups.

    Args:
        changed: As `predict_changed` returns it.
        test: What the model says of the test as it is.
        settings: Resamples of groups, mass of each interval, seed.
    """
    names, strengths = (changed[n].to_pylist() for n in ("change", "strength"))
    order = list(dict.fromkeys(zip(names, strengths, strict=True)))
    parts = [_variant(changed, change, strength) for change, strength in order]
    places = pc.index_in(parts[0].table["path"], test.table["path"])
    own = Predictions(table=test.table.take(places))
    scores = [
        decisions_of(own.labels, part.raw, own.class_names) for part in (own, *parts)
    ]

    def figures(weights: Floats) -> dict[str, Floats]:
        return {str(n): score(weights)["macro_f1"] for n, score in enumerate(scores)}

    resamples = draw_groups(own.groups, own.labels, settings)
    unchanged, *values = resamples.evaluate(figures).values()
    mean = np.mean(values, axis=0)
    interval = partial(estimate, confidence=settings.confidence)
    return Robustness(
        figures=tuple(
            ChangedFigures(
                change=change,
                strength=strength,
                unit=GRADED_CHANGES[change].unit,
                macro_f1=interval(value),
                drop=interval(unchanged - value),
            )
            for (change, strength), value in zip(order, values, strict=True)
        ),
        unchanged=interval(unchanged),
        mean=interval(mean),
        mean_drop=interval(unchanged - mean),
        num_images=len(own),
        num_test_images=len(test),
        num_groups=resamples.num_groups,
    )


def draw_robustness(robustness: Robustness) -> dict[str, bytes]:
    """Return the picture of the curves, by its title."""
    curves = {
        change: (own[0].unit, [(one.strength, one.macro_f1) for one in own])
        for change, own in robustness.by_change.items()
    }
    return {CURVES: plot_robustness(curves, robustness.unchanged)}


def _variant(changed: pa.Table, change: str, strength: float) -> Predictions:
    is_own = (pc.field("change") == change) & (pc.field("strength") == strength)
    return Predictions(table=changed.filter(is_own))
