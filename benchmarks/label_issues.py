"""Planted wrong labels: how many are found, and how much else is to be looked at.

Real tiles, features of a real backbone, a linear head trained over five folds by family
with the wrong labels. Planted are families (all copies of one source) or single images.
Beside what `evaluate` lists: cleanlab on images with both of its filters; and the least
likely labels, of images and of families, as many as were planted, which nobody knows.
Precision counts planted ones alone: what the set itself labels wrongly, or the network
gets wrong, counts against it.
Usage: python benchmarks/label_issues.py FAMILIES.csv BACKBONE.keras --keep F.npy
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from cleanlab.count import num_label_issues
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiles import Tiles, read_image, read_tiles

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import SCHEMA, Catalogue
from lcc.evaluate.calibration import calibrate
from lcc.evaluate.label_doubts import AskedFamilies, ask_families, find_issues
from lcc.evaluate.label_issues import IssueKind, LabelIssues
from lcc.evaluate.predictions import Part, Predictions, predictions_of

SETTINGS = EvaluateSettings(num_bootstrap=100)
SHARES = (0.01, 0.03, 0.05, 0.1)
NUM_FOLDS = 5
BATCH = 32
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", type=Path)
    parser.add_argument("backbone", type=Path)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=5)
    arguments = parser.parse_args()
    tiles = read_tiles(arguments.families)
    if not arguments.keep.exists():
        np.save(arguments.keep, see_all(tiles, arguments.backbone))
    features = np.load(arguments.keep, allow_pickle=False)
    names, true = np.unique(tiles.labels, return_inverse=True)
    families = np.unique(tiles.families, return_inverse=True)[1]
    plain = Study(features, true, true, families, tuple(names.tolist()))
    print(f"{len(true)} images of {families.max() + 1} families")
    print(f"nothing planted: {describe(plain)}")
    for unit, units in (("families", families), ("images", np.arange(len(true)))):
        for share in SHARES:
            studies = [
                plain.planted(units, share, seed=seed)
                for seed in range(arguments.draws)
            ]
            print(f"{share:.0%} of {unit}, {arguments.draws} draws:")
            for line in report(studies):
                print(f"  {line}")


def report(studies: Sequence["Study"]) -> Iterator[str]:
    """Yield a line for each method, the mean over studies."""
    for name, flag in METHODS.items():
        found = np.array([score(study, flag(study)) for study in studies])
        recall, precision, cases, images = found.mean(axis=0)
        yield (
            f"{name}: recall {recall:.2f} ({found[:, 0].min():.2f}–"
            f"{found[:, 0].max():.2f}), precision {precision:.2f}, to look at "
            f"{images:.0f} images of {cases:.0f} families"
        )
    shares = np.mean([list(shares_of(study)) for study in studies], axis=0)
    yield (
        f"share of families: {shares[0]:.3f} planted, {shares[1]:.3f} doubted, "
        f"{shares[2]:.3f} by cleanlab's estimate"
    )


def see_all(tiles: Tiles, backbone: Path) -> NDArray[np.float32]:
    """Return (n, features) means of the backbone's last map."""
    import keras

    model = keras.saving.load_model(backbone, compile=False)
    paths = np.array_split(np.array(tiles.paths), max(1, len(tiles.paths) // BATCH))
    seen = [
        np.asarray(model(np.stack([read_image(path) for path in own]))).mean(
            axis=(1, 2)
        )
        for own in paths
    ]
    return np.concatenate(seen).astype(np.float32)


@dataclass(frozen=True)
class Study:
    """Images with given labels, and what models say that did not see their families.

    Attributes:
        features: (n, d).
        true: (n,) class numbers, as the data set has them.
        given: (n,) class numbers that are trained on.
        families: (n,) family of each.
        names: Classes.
    """

    features: NDArray[np.float32]
    true: Ints
    given: Ints
    families: Ints
    names: tuple[str, ...]

    def planted(self, units: Ints, share: float, *, seed: int) -> "Study":
        """Return the study with some units under another label."""
        draw = np.random.default_rng(seed)
        num_units = int(units.max()) + 1
        chosen = draw.permutation(num_units)[: round(share * num_units)]
        steps = np.zeros(num_units, np.int64)
        steps[chosen] = draw.integers(1, len(self.names), len(chosen))
        given = (self.true + steps[units]) % len(self.names)
        return Study(self.features, self.true, given, self.families, self.names)

    @property
    def is_wrong(self) -> Mask:
        """(n,) whether the label was planted."""
        return np.asarray(self.given != self.true)

    @cached_property
    def predictions(self) -> Predictions:
        """Calibrated, out of fold."""
        folds = np.zeros(len(self.given), np.int64)
        split = StratifiedGroupKFold(NUM_FOLDS, shuffle=True, random_state=0)
        divided = list(split.split(self.features, self.given, self.families))
        for fold, (_, rows) in enumerate(divided):
            folds[rows] = fold
        head = LogisticRegression(C=0.01, max_iter=300)
        said = cross_val_predict(
            make_pipeline(StandardScaler(), head),
            self.features,
            self.given,
            cv=divided,
            method="predict_proba",
            n_jobs=-1,
        )
        catalogue = self.catalogue(folds)
        rows = np.arange(len(said))
        found = predictions_of(catalogue, rows, said, part=Part.OUT_OF_FOLD)
        return calibrate(found)[0]

    def catalogue(self, folds: Ints) -> Catalogue:
        """Return the images as a catalogue."""
        columns = {
            "path": [str(row) for row in range(len(self.given))],
            "label": [self.names[number] for number in self.given],
            "status": ["kept"] * len(self.given),
            "family": self.families,
            "group": self.families,
            "fold": folds,
        }
        nulls = {name: [None] * len(self.given) for name in SCHEMA.names}
        table = pa.table(nulls | columns, schema=SCHEMA)
        return Catalogue(name="planted", digest="", table=table)

    @cached_property
    def asked(self) -> AskedFamilies:
        """What models say of families."""
        return ask_families(self.predictions)

    @cached_property
    def issues(self) -> LabelIssues:
        """What `evaluate` lists."""
        mixed = [
            int(family)
            for family in np.unique(self.families)
            if len(np.unique(self.given[self.families == family])) > 1
        ]
        catalogue = self.catalogue(np.zeros(len(self.given), np.int64))
        return find_issues(catalogue, self.asked, mixed=mixed, settings=SETTINGS)


def listed(*kinds: IssueKind) -> Callable[[Study], Mask]:
    """Return the images whose label `evaluate` speaks against, by some kinds."""

    def flag(study: Study) -> Mask:
        is_flagged = np.zeros(len(study.given), bool)
        for own in study.issues.issues:
            rows = np.array(own.rows)
            if own.kind in kinds:
                suggested = study.names.index(own.suggested)
                is_flagged[rows] = study.given[rows] != suggested
        return is_flagged

    return flag


def by_image(filter_by: str) -> Callable[[Study], Mask]:
    """Return cleanlab's own judgement, image by image."""

    def flag(study: Study) -> Mask:
        said = study.predictions.calibrated
        found = find_label_issues(study.given, said, filter_by=filter_by, n_jobs=1)
        return np.asarray(found)

    return flag


def least_likely_images(study: Study) -> Mask:
    """Return the images whose label is least likely, as many as were planted."""
    return _lowest(_of_label(study), int(study.is_wrong.sum()))


def least_likely_families(study: Study) -> Mask:
    """Return the families whose label is least likely, as many as were planted in."""
    places = np.unique(study.families, return_inverse=True)[1]
    means = np.bincount(places, _of_label(study)) / np.bincount(places)
    num_planted = len(np.unique(study.families[study.is_wrong]))
    return _lowest(means, num_planted)[places]


def _of_label(study: Study) -> Floats:
    said = study.predictions.calibrated
    return np.asarray(said[np.arange(len(said)), study.given])


def _lowest(values: Floats, count: int) -> Mask:
    is_flagged = np.zeros(len(values), bool)
    is_flagged[np.argsort(values, kind="stable")[:count]] = True
    return is_flagged


SURE = (IssueKind.TWO_LABELS, IssueKind.LABEL)
METHODS = {
    "evaluate, two labels and doubted": listed(*SURE),
    "evaluate, and missed": listed(*SURE, IssueKind.MISSED),
    "cleanlab by image, prune_by_noise_rate (its default)": by_image(
        "prune_by_noise_rate"
    ),
    "cleanlab by image, confident_learning": by_image("confident_learning"),
    "least likely label by image, their number known": least_likely_images,
    "least likely label by family, their number known": least_likely_families,
}


def score(study: Study, is_flagged: Mask) -> tuple[float, float, int, int]:
    """Return recall, precision, families and images to look at."""
    found = int((is_flagged & study.is_wrong).sum())
    return (
        found / study.is_wrong.sum(),
        found / max(is_flagged.sum(), 1),
        len(np.unique(study.families[is_flagged])),
        int(is_flagged.sum()),
    )


def shares_of(study: Study) -> Iterator[float]:
    """Yield shares of families: planted, doubted, wrong by cleanlab's estimate."""
    own = study.asked
    yield len(np.unique(study.families[study.is_wrong])) / len(own)
    yield study.issues.families[IssueKind.LABEL] / len(own)
    yield num_label_issues(own.labels, own.said) / len(own)


def describe(study: Study) -> str:
    """Return what is listed where nothing was planted."""
    flagged = [
        f"{name} {flag(study).sum()} images of "
        f"{len(np.unique(study.families[flag(study)]))} families"
        for name, flag in METHODS.items()
        if "number known" not in name
    ]
    issues = study.issues
    flagged.append(f"{issues.families[IssueKind.OUTLIER]} families like no class")
    flagged.append(f"{issues.num_missed} families missed")
    return "; ".join(flagged)


if __name__ == "__main__":
    main()
