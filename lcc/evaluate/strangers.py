"""What is said of planted strangers, images that no model of tissue knows.

Some dozens of each kind, the same for every run. It shows what novelty is worth;
nothing is chosen by it.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import binomtest

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import Catalogue
from lcc.data.strangers import KINDS, RECOLOURED, make_stranger
from lcc.data.tiles import Tiles
from lcc.evaluate.bootstrap import Estimate, Floats, Ints, draw_groups, estimate
from lcc.evaluate.calibration import Calibration
from lcc.evaluate.metrics import judge
from lcc.evaluate.network import Network
from lcc.evaluate.novelty import KnownTissue, Threshold
from lcc.evaluate.plots import plot_novelty, plot_sets
from lcc.evaluate.predictions import RAW, Part, Predictions
from lcc.evaluate.selective import ANSWER_ALL, UNFAMILIAR, Abstention
from lcc.evaluate.subset import spread_over_groups

NUM_STRANGERS = 48  # of each kind: few seconds of a network
BATCH = 16  # tiles a forward pass takes
NUM_EXAMPLES = 4  # of each kind that are shown
SPREAD, EXAMPLES = "Novelty", "Planted strangers"
SIDES = ("test", "strangers")
MAX_NOVELTY = 2.0  # of two directions


@dataclass(frozen=True, slots=True, kw_only=True)
class NoveltyEvidence:
    """What novelty is judged from.

    Attributes:
        known: References and threshold.
        strangers: As `predict_strangers` returns it.
    """

    known: KnownTissue
    strangers: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerFigures:
    """How strangers of one kind are told apart.

    Attributes:
        kind: A name in `KINDS`.
        auroc: Of their novelty against that of the test, 0.5 by chance.
        num_images: Strangers.
        num_unfamiliar: Of them said to be no tissue that is known.
        num_answered: Of them given a class if novelty were not looked at.
    """

    kind: str
    auroc: Estimate
    num_images: int
    num_unfamiliar: int
    num_answered: int

    @property
    def share_unfamiliar(self) -> float:
        """Share of the strangers that are told, 0 to 1."""
        return self.num_unfamiliar / self.num_images


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """What novelty tells of the test, and of planted strangers.

    Attributes:
        threshold: From where on an image is none that the model knows.
        num_references: Training images that novelty is measured from.
        neighbour: Which nearest of them counts, from 1.
        unfamiliar: Share of test images above the threshold; none without one.
        strangers: Of each kind.
    """

    threshold: Threshold
    num_references: int
    neighbour: int
    unfamiliar: Estimate | None
    strangers: tuple[StrangerFigures, ...]

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def choose_recoloured(catalogue: Catalogue, *, seed: int) -> Ints:
    """Return (k,) rows of the test that strangers are made of, of all groups alike."""
    rows = catalogue.rows("test")
    groups, labels = catalogue.groups[rows], catalogue.labels[rows]
    chosen = spread_over_groups(groups, labels, count=NUM_STRANGERS, seed=seed)
    return np.asarray(rows[chosen])


def predict_strangers(
    catalogue: Catalogue,
    tiles: Tiles,
    *,
    network: Network,
    known: KnownTissue,
    seed: int,
) -> pa.Table:
    """Return what a network says of strangers, a row for each.

    Columns: `kind`, `path` and `group` of the test image that it was made of (none for
    other kinds than `other_colours`), `novelty`, and `raw/<class>`.

    Args:
        catalogue: The data set.
        tiles: Its packed tiles.
        network: The model.
        known: What it has seen in training images.
        seed: Of what is drawn.
    """
    rows = choose_recoloured(catalogue, seed=seed)
    paths = [catalogue.paths[row] for row in rows]
    groups = catalogue.groups[rows].tolist()
    tables = []
    for kind in KINDS:
        said, novelty = [], []
        for start in range(0, len(rows), BATCH):
            own = tiles.take(catalogue.records[rows[start : start + BATCH]])
            images = [
                make_stranger(kind, tile, seed=seed, number=start + place)
                for place, tile in enumerate(own)
            ]
            probabilities, features = network.see(np.stack(images))
            said.append(probabilities)
            novelty.append(known.novelty(features))
        is_tissue = kind == RECOLOURED
        raw = np.concatenate(said)
        columns = {
            "kind": pa.array([kind] * len(rows)),
            "path": pa.array(paths if is_tissue else [None] * len(rows), pa.string()),
            "group": pa.array(groups if is_tissue else [None] * len(rows), pa.int64()),
            "novelty": pa.array(np.concatenate(novelty)),
        }
        for number, name in enumerate(catalogue.class_names):
            columns[f"{RAW}{name}"] = pa.array(raw[:, number])
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)


def judge_novelty(
    evidence: NoveltyEvidence,
    predictions: Predictions,
    *,
    calibration: Calibration,
    abstention: Abstention | None,
    settings: EvaluateSettings,
) -> Novelty:
    """Return what novelty tells of the test and of strangers.

    Args:
        evidence: References, threshold, and what is said of strangers.
        predictions: Of the model, with decisions.
        calibration: How its probabilities are scaled.
        abstention: When it had better not answer, none where that was not to choose.
        settings: Resamples of groups, mass of each interval, seed.
    """
    known, strangers = evidence.known, evidence.strangers
    test = predictions.part(Part.TEST)
    least = ANSWER_ALL if abstention is None else abstention.threshold
    found = []
    for kind in dict.fromkeys(strangers["kind"].to_pylist()):
        own = strangers.filter(pc.field("kind") == kind)
        raw = np.stack(
            [own[f"{RAW}{name}"].to_numpy() for name in test.class_names], axis=1
        )
        is_answered = calibration.apply(raw).max(axis=1) >= least
        is_unfamiliar = known.is_unfamiliar(own["novelty"].to_numpy())
        found.append(
            StrangerFigures(
                kind=kind,
                auroc=_tell_apart(test, own, settings),
                num_images=len(own),
                num_unfamiliar=int(is_unfamiliar.sum()),
                num_answered=int(is_answered.sum()),
            )
        )
    return Novelty(
        threshold=known.threshold,
        num_references=len(known.references),
        neighbour=known.neighbour,
        unfamiliar=share_unfamiliar(test, settings) if known.threshold.is_set else None,
        strangers=tuple(found),
    )


def share_unfamiliar(own: Predictions, settings: EvaluateSettings) -> Estimate:
    """Return the share of images said to be no tissue that is known, over groups.

    Where none is, or all are, resampling shows no spread: the interval then reaches as
    far as that of none, or all, of so many independent groups.
    Source: Clopper and Pearson, The use of confidence or fiducial limits, Biometrika 26
    (1934).
    """
    is_unfamiliar = np.array(own.table["decision"].to_pylist()) == UNFAMILIAR

    def figures(weights: Floats) -> dict[str, Floats]:
        share = weights @ is_unfamiliar.astype(np.float64) / weights.sum(axis=1)
        return {"share": share}

    draws = draw_groups(own.groups, own.labels, settings)
    found = estimate(draws.evaluate(figures)["share"], settings.confidence)
    none = binomtest(0, draws.num_groups).proportion_ci(settings.confidence)
    return replace(
        found,
        lower=min(found.lower, 1 - none.high),
        upper=max(found.upper, none.high),
    )


def _tell_apart(
    test: Predictions, strangers: pa.Table, settings: EvaluateSettings
) -> Estimate:
    """Return the AUROC of novelty; a group is drawn with the strangers made of it."""
    apart = int(test.groups.max()) + 1 + np.arange(len(strangers))
    groups = pc.coalesce(strangers["group"], pa.array(apart))
    novelty = np.concatenate([test.novelty, strangers["novelty"].to_numpy()])
    share = novelty / MAX_NOVELTY
    judged = judge(
        np.repeat([0, 1], [len(test), len(strangers)]),
        np.stack([1 - share, share], axis=1),
        np.concatenate([test.groups, groups.to_numpy()]),
        class_names=SIDES,
        settings=settings,
    )
    return judged.metrics["auroc/strangers"]


def draw_novelty(
    known: KnownTissue,
    predictions: Predictions,
    strangers: pa.Table | None = None,
) -> dict[str, bytes]:
    """Return the picture of how novelty is spread, by its title.

    Args:
        known: References and threshold.
        predictions: Of the model.
        strangers: As `predict_strangers` returns it.
    """
    strangers = pa.table({"kind": []}) if strangers is None else strangers
    shown = {
        str(part).replace("_", " "): own.novelty
        for part in (Part.VALIDATION, Part.TEST, Part.OUTSIDE)
        if np.isfinite((own := predictions.part(part)).novelty).any()
    }
    for kind in dict.fromkeys(strangers["kind"].to_pylist()):
        rows = strangers.filter(pc.field("kind") == kind)
        shown[kind.replace("_", " ")] = rows["novelty"].to_numpy()
    return {SPREAD: plot_novelty(shown, known.threshold.value)}


def show_strangers(
    catalogue: Catalogue, tiles: Tiles, *, seed: int
) -> dict[str, bytes]:
    """Return a picture of some strangers of each kind, by its title."""
    rows = choose_recoloured(catalogue, seed=seed)[:NUM_EXAMPLES]
    own = tiles.take(catalogue.records[rows])
    examples = {
        kind.replace("_", " "): np.stack(
            [
                make_stranger(kind, tile, seed=seed, number=place)
                for place, tile in enumerate(own)
            ]
        )
        for kind in KINDS
    }
    return {EXAMPLES: plot_sets(examples)}
