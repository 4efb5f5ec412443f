"""What a model looked at in some test images, and whether these maps can be trusted.

Two questions are asked of the maps. Do they depend on what the model has learnt: are
they others once the weights of its last layer are shuffled (Adebayo et al., Sanity
checks for saliency maps, NeurIPS 2018)? And does the model need what they mark: does
it lose its answer sooner when that is taken away than when places at random are
(deletion curve of Petsiuk et al., RISE, BMVC 2018; here the mean colour of the tile
replaces what is taken away)?
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from scipy.stats import rankdata

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import Catalogue
from lcc.data.tiles import Tiles
from lcc.evaluate.bootstrap import Estimate, Floats, Ints, draw_groups, estimate
from lcc.evaluate.grad_cam import Floats32, GradCam
from lcc.evaluate.plots import Mistake, plot_looked_at
from lcc.evaluate.predictions import Predictions
from lcc.evaluate.subset import spread_over_groups
from lcc.images.decode import Image8

Predict = Callable[[Image8], Floats]  # (n, side, side, 3) → (n, classes)

MISTAKES, RIGHT = "Looked at in mistakes", "Looked at in right answers"
MAX_SHOWN = 12  # mistakes, and as many right ones
NUM_SHUFFLES = 5  # of the last layer
NUM_STEPS = 10  # of the deletion curve
BATCH = 32  # tiles a forward pass takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Maps of some test images, to be judged and shown.

    Attributes:
        table: As `explain` returns it.
        pictures: PNG by title: tiles with their maps over them.
    """

    table: pa.Table
    pictures: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faithfulness:
    """Whether maps show what the model goes by.

    Attributes:
        similarity: Mean rank correlation of maps with those of shuffled weights, -1
            to 1; near 1 they do not depend on what was learnt.
        deletion: Mean area under the probability of the class taken, while places are
            taken away that the maps mark most, 0 to 1.
        at_random: The same for random maps.
        gain: By how much the first area is smaller, on the same images.
        num_images: Images explained.
        num_groups: Groups they come from.
    """

    similarity: Estimate
    deletion: Estimate
    at_random: Estimate
    gain: Estimate
    num_images: int
    num_groups: int

    @property
    def is_better(self) -> bool:
        """Whether the maps mark what is needed, beyond chance."""
        return self.gain.lower > 0

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"is_better_than_random": self.is_better}


def worst_mistakes(test: Predictions) -> Ints:
    """Return positions of wrong answers, the surest first."""
    said = test.calibrated
    predicted = said.argmax(axis=1)
    certainty = said.max(axis=1) - said[np.arange(len(test)), test.labels]
    wrong = np.flatnonzero(predicted != test.labels)
    return wrong[np.argsort(-certainty[wrong], kind="stable")]


def choose_explained(test: Predictions, settings: EvaluateSettings) -> Ints:
    """Return positions of the worst mistakes, then of a fixed sample of right answers.

    Args:
        test: Predictions of the test, calibrated.
        settings: Number of mistakes, at most 12 of which are explained; seed.
    """
    mistakes = worst_mistakes(test)[: min(settings.num_mistakes, MAX_SHOWN)]
    right = np.flatnonzero(test.calibrated.argmax(axis=1) == test.labels)
    sample = spread_over_groups(
        test.groups[right], test.labels[right], count=MAX_SHOWN, seed=settings.seed
    )
    return np.concatenate([mistakes, right[sample]])


def explain(
    catalogue: Catalogue,
    tiles: Tiles,
    explained: Predictions,
    *,
    grad_cam: GradCam,
    predict: Predict,
    seed: int,
) -> pa.Table:
    """Return maps of some images and what was asked of the maps, a row per image.

    Columns: those of the predictions, `height`, `width` and `map` (row by row, from
    0), `similarity` to maps of shuffled weights, `deletion` and `at_random`: the
    probability of the class taken after each tenth of the tile is taken away.

    Args:
        catalogue: The data set.
        tiles: Its packed tiles.
        explained: Predictions of the images.
        grad_cam: Of the model.
        predict: The model.
        seed: Of shuffled weights and random maps.
    """
    records = _records(catalogue, explained)
    classes = explained.calibrated.argmax(axis=1)
    kernels = np.stack([grad_cam.kernel, *shuffled(grad_cam.kernel, seed=seed)])
    found = [
        _explain_batch(
            tiles.take(records[start : start + BATCH]),
            classes[start : start + BATCH],
            grad_cam=grad_cam,
            kernels=kernels,
            predict=predict,
            seed=seed + start,
        )
        for start in range(0, len(records), BATCH)
    ]
    table = explained.table
    for name in found[0]:
        values = np.concatenate([batch[name] for batch in found])
        table = table.append_column(name, pa.array(values.tolist()))
    return table


def shuffled(kernel: Floats32, *, seed: int) -> Floats32:
    """Return (k, features, classes) weights of a layer, each entry at a drawn place."""
    draw = np.random.default_rng(seed)
    entries = kernel.ravel()
    drawn = [draw.permutation(entries) for _ in range(NUM_SHUFFLES)]
    return np.reshape(drawn, (NUM_SHUFFLES, *kernel.shape))


def _explain_batch(
    images: Image8,
    classes: Ints,
    *,
    grad_cam: GradCam,
    kernels: Floats32,
    predict: Predict,
    seed: int,
) -> dict[str, Floats]:
    maps, *others = grad_cam(images, classes, kernels=kernels)
    height, width = maps.shape[1:]
    similarity = np.mean([rank_correlation(maps, other) for other in others], axis=0)
    draw = np.random.default_rng(seed)
    noise = draw.uniform(size=maps.shape).astype(np.float32)
    return {
        "height": np.full(len(images), height),
        "width": np.full(len(images), width),
        "map": maps.reshape(len(images), -1),
        "similarity": similarity,
        "deletion": deletion_curve(predict, images, maps, classes=classes),
        "at_random": deletion_curve(predict, images, noise, classes=classes),
    }


def rank_correlation(one: Floats32, other: Floats32) -> Floats:
    """Return (n,) Spearman correlations of (n, height, width) maps.

    0 where a map is the same everywhere: of its order nothing is left.
    """
    ranks = [rankdata(maps.reshape(len(maps), -1), axis=1) for maps in (one, other)]
    first, second = (own - own.mean(axis=1, keepdims=True) for own in ranks)
    spread = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    shared = (first * second).sum(axis=1)
    zeros = np.zeros(len(one))
    return np.asarray(np.divide(shared, spread, out=zeros, where=spread > 0))


def deletion_curve(
    predict: Predict, images: Image8, maps: Floats32, *, classes: Ints
) -> Floats:
    """Return (n, 11) probabilities of a class while the tile is taken away.

    From the whole tile to none of it, in tenths, what the map marks most first.

    Args:
        predict: The model.
        images: (n, side, side, 3) uint8.
        maps: (n, height, width).
        classes: (n,) class of each image.
    """
    ranks = np.stack([_ranks(own, images.shape[1]) for own in maps])
    means = np.rint(images.mean(axis=(1, 2), keepdims=True)).astype(np.uint8)
    curve = []
    for share in np.linspace(0, 1, NUM_STEPS + 1):
        is_gone = (ranks < share)[:, :, :, None]
        said = predict(np.where(is_gone, means, images))
        curve.append(said[np.arange(len(images)), classes])
    return np.stack(curve, axis=1)


def _ranks(own: Floats32, side: int) -> Floats:
    """Return the share of the tile that a map marks more than each place."""
    fine = enlarge(own, side).ravel()
    # Where the map is equal, places are taken in a fixed random order.
    ties = np.random.default_rng(0).permutation(len(fine))
    ranks = np.empty(len(fine))
    ranks[np.lexsort((ties, -fine))] = np.arange(len(fine)) / len(fine)
    return ranks.reshape(side, side)


def enlarge(own: Floats32, side: int) -> Floats32:
    """Return a map as large as its tile, between its values linear."""
    large = cv2.resize(own, (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32)


def judge_maps(table: pa.Table, settings: EvaluateSettings) -> Faithfulness:
    """Return whether maps show what the model goes by, with intervals over groups.

    Args:
        table: As `explain` returns it.
        settings: Resamples of groups, mass of each interval, seed.
    """
    explained = Predictions(table=table)
    columns = {
        "similarity": np.array(table["similarity"].to_pylist()),
        "deletion": _areas(table["deletion"].to_pylist()),
        "at_random": _areas(table["at_random"].to_pylist()),
    }
    columns["gain"] = columns["at_random"] - columns["deletion"]

    def means(weights: Floats) -> dict[str, Floats]:
        total = weights.sum(axis=1)
        return {name: weights @ own / total for name, own in columns.items()}

    resamples = draw_groups(explained.groups, explained.labels, settings)
    found = {
        name: estimate(values, settings.confidence)
        for name, values in resamples.evaluate(means).items()
    }
    return Faithfulness(**found, num_images=len(table), num_groups=resamples.num_groups)


def _areas(curves: Sequence[Sequence[float]]) -> Floats:
    return np.asarray(np.trapezoid(np.array(curves), dx=1 / NUM_STEPS, axis=1))


def show_maps(table: pa.Table, catalogue: Catalogue, tiles: Tiles) -> dict[str, bytes]:
    """Return pictures of tiles with their maps over them, mistakes and right ones.

    Args:
        table: As `explain` returns it.
        catalogue: The data set.
        tiles: Its packed tiles.
    """
    explained = Predictions(table=table)
    said = explained.calibrated
    images = tiles.take(_records(catalogue, explained))
    shown = [
        (
            Mistake(
                path=row["path"],
                tile=tile,
                actual=row["label"],
                predicted=row["predicted"],
                probability=float(own.max()),
            ),
            enlarge(
                np.array(row["map"], np.float32).reshape(row["height"], row["width"]),
                tiles.size_px,
            ),
        )
        for row, tile, own in zip(table.to_pylist(), images, said, strict=True)
    ]
    wrong = [pair for pair in shown if pair[0].actual != pair[0].predicted]
    right = [pair for pair in shown if pair[0].actual == pair[0].predicted]
    found = {MISTAKES: wrong, RIGHT: right}
    return {title: plot_looked_at(pairs) for title, pairs in found.items() if pairs}


def _records(catalogue: Catalogue, explained: Predictions) -> Ints:
    records = dict(zip(catalogue.paths, catalogue.records.tolist(), strict=True))
    paths = explained.table["path"].to_pylist()
    return np.array([records[path] for path in paths], np.int64)
