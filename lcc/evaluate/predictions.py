"""What a model said of every image: one table, from which all else is computed.

Columns: `part` (validation, out_of_fold, test, outside), `fold` of an out-of-fold
prediction, `path`, `label`, `predicted`, `raw/<class>` and `calibrated/<class>`
(probabilities, 0 to 1), `entropy` of the calibrated ones (nats), `novelty` (0 to 2,
null where unknown), `decision` (a class, `refer` or `unfamiliar`), `family`, `group`,
and `axis_<name>` for each axis of the data set.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray
from scipy.stats import entropy

from lcc.data.catalogue import AXIS, Catalogue
from lcc.data.parquet import from_parquet, to_parquet
from lcc.errors import DataError
from lcc.evaluate.bootstrap import Floats, Ints

RAW, CALIBRATED = "raw/", "calibrated/"


class Part(StrEnum):
    """Which images a prediction is of, by what the model knew of them."""

    VALIDATION = "validation"  # chose the epoch, calibrates
    OUT_OF_FOLD = "out_of_fold"  # development images, each by a model without its fold
    TEST = "test"  # sealed
    OUTSIDE = "outside"  # another data set
    RANDOM_FOLDS = "random_folds"  # INVALID: copies on both sides, to show the leak
    RANDOM_SPLIT = "random_split"  # INVALID likewise


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Predictions of images, one row each.

    Attributes:
        table: Columns as the head of this file says, of all parts or of some.
    """

    table: pa.Table

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Classes in the order of the columns."""
        names = self.table.column_names
        return tuple(n.removeprefix(RAW) for n in names if n.startswith(RAW))

    @cached_property
    def labels(self) -> Ints:
        """(n,) true class numbers."""
        codes = pc.index_in(self.table["label"], pa.array(self.class_names))
        return np.asarray(codes.to_numpy(), np.int64)

    @cached_property
    def raw(self) -> Floats:
        """(n, classes) probabilities as the network gives them."""
        return self._columns(RAW)

    @cached_property
    def calibrated(self) -> Floats:
        """(n, classes) probabilities that mean what they say, as far as is known."""
        return self._columns(CALIBRATED)

    @cached_property
    def groups(self) -> Ints:
        """(n,) group numbers."""
        return np.asarray(self.table["group"].to_numpy(), np.int64)

    @cached_property
    def families(self) -> Ints:
        """(n,) family numbers."""
        return np.asarray(self.table["family"].to_numpy(), np.int64)

    @cached_property
    def folds(self) -> Ints:
        """(n,) fold of an out-of-fold prediction, -1 elsewhere."""
        return np.asarray(pc.fill_null(self.table["fold"], -1).to_numpy(), np.int64)

    @cached_property
    def novelty(self) -> Floats:
        """(n,) novelty, 0 to 2, NaN where it is not known."""
        if "novelty" not in self.table.column_names:  # of an older release
            return np.full(len(self), np.nan)
        return np.asarray(self.table["novelty"].to_numpy(), np.float64)

    @property
    def axes(self) -> tuple[str, ...]:
        """Patient, slide, site …: axes that are known."""
        names = self.table.column_names
        return tuple(n.removeprefix(AXIS) for n in names if n.startswith(AXIS))

    def axis(self, name: str) -> NDArray[np.str_]:
        """Return the (n,) values of an axis, empty where unknown."""
        return np.array(pc.fill_null(self.table[f"{AXIS}{name}"], "").to_pylist())

    def part(self, part: Part) -> "Predictions":
        """Return the predictions of one part."""
        return Predictions(table=self.table.filter(pc.field("part") == str(part)))

    def chosen(self, is_chosen: NDArray[np.bool_]) -> "Predictions":
        """Return the predictions of some rows."""
        return Predictions(table=self.table.filter(pa.array(is_chosen)))

    def take(self, positions: Ints) -> "Predictions":
        """Return the predictions of some rows, in the order asked for."""
        return Predictions(table=self.table.take(pa.array(positions)))

    def ordered_as(self, other: "Predictions") -> "Predictions":
        """Return these predictions in the order of another's images.

        Raises:
            DataError: They are of other images, or of images with other labels.
        """
        paths, wanted = (own.table["path"].to_pylist() for own in (self, other))
        place = {path: row for row, path in enumerate(paths)}
        if len(paths) != len(wanted) or place.keys() != set(wanted):
            num_others = len(set(wanted) ^ place.keys())
            message = (
                "predictions: must be of the same images to be compared, got "
                f"{num_others:,} that only one has. Evaluate again."
            )
            raise DataError(message)
        found = self.take(np.array([place[path] for path in wanted], np.int64))
        if found.table["label"] != other.table["label"]:
            message = (
                "predictions: must be of images with the same labels, got others. "
                "Evaluate again."
            )
            raise DataError(message)
        return found

    def with_calibrated(self, probabilities: Floats) -> "Predictions":
        """Return the predictions with calibrated probabilities, (n, classes)."""
        table = self.table
        for column, name in enumerate(self.class_names):
            values = pa.array(probabilities[:, column])
            table = _replace(table, f"{CALIBRATED}{name}", values)
        best = [self.class_names[n] for n in probabilities.argmax(axis=1).tolist()]
        table = _replace(table, "predicted", pa.array(best, pa.string()))
        table = _replace(table, "decision", pa.array(best, pa.string()))
        spread = entropy(probabilities, axis=1)
        return Predictions(table=_replace(table, "entropy", pa.array(spread)))

    def with_decisions(self, decisions: Sequence[str]) -> "Predictions":
        """Return the predictions with what is to be done about each image."""
        column = pa.array(decisions, pa.string())
        return Predictions(table=_replace(self.table, "decision", column))

    def _columns(self, prefix: str) -> Floats:
        columns = [self.table[f"{prefix}{name}"] for name in self.class_names]
        return np.stack([column.to_numpy() for column in columns], axis=1)


def predictions_of(
    catalogue: Catalogue,
    rows: Ints,
    probabilities: Floats,
    *,
    part: Part,
    class_names: Sequence[str] | None = None,
    novelty: Floats | None = None,
) -> Predictions:
    """Return the predictions of some images of a catalogue, not calibrated yet.

    Args:
        catalogue: The data set.
        rows: (n,) rows of it.
        probabilities: (n, classes), as the network gives them.
        part: What the images are to the model.
        class_names: The model's classes; by default the catalogue's.
        novelty: (n,) how unlike the training images; none where it is not known.
    """
    names = class_names or catalogue.class_names
    taken = catalogue.table.take(pa.array(rows))
    is_by_fold = part is Part.OUT_OF_FOLD
    columns = {
        "part": pa.array([str(part)] * len(rows), pa.string()),
        "fold": taken["fold"] if is_by_fold else pa.nulls(len(rows), pa.int64()),
        "path": taken["path"],
        "label": taken["label"],
        "predicted": pa.nulls(len(rows), pa.string()),
        **{f"{RAW}{n}": pa.array(probabilities[:, k]) for k, n in enumerate(names)},
        **{f"{CALIBRATED}{n}": pa.nulls(len(rows), pa.float64()) for n in names},
        "entropy": pa.nulls(len(rows), pa.float64()),
        "novelty": pa.nulls(len(rows), pa.float64())
        if novelty is None
        else pa.array(novelty),
        "decision": pa.nulls(len(rows), pa.string()),
        "family": taken["family"],
        "group": taken["group"],
        **{n: taken[n] for n in taken.column_names if n.startswith(AXIS)},
    }
    return Predictions(table=pa.table(columns)).with_calibrated(probabilities)


def join_parts(parts: Sequence[Predictions]) -> Predictions:
    """Return the predictions of several parts as one table.

    Parts of another data set may have other axes: where a part lacks one it is empty.
    Families and groups are numbered anew in each data set.
    """
    tables = [part.table for part in parts]
    return Predictions(table=pa.concat_tables(tables, promote_options="default"))


def write_predictions(predictions: Predictions) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of both files, Parquet and CSV."""
    yield "predictions.parquet", to_parquet(predictions.table)
    text = io.BytesIO()
    pyarrow.csv.write_csv(predictions.table, text)
    yield "predictions.csv", text.getvalue()


def read_predictions(content: bytes) -> Predictions:
    """Return what `write_predictions` wrote as Parquet."""
    return Predictions(table=from_parquet(content))


def check_numbers(
    predictions: Predictions,
    *,
    of: str = "predictions",
    remedy: str = "Judge a model that gives some.",
) -> None:
    """Check that all probabilities are numbers.

    Args:
        predictions: Of any parts.
        of: Whose they are.
        remedy: What to do.

    Raises:
        DataError: Some are none.
    """
    said = np.hstack([predictions.raw, predictions.calibrated])
    is_sound = np.isfinite(said).all(axis=1)
    if not is_sound.all():
        path = predictions.table["path"][int(is_sound.argmin())]
        message = (
            f"{of}: probabilities must be numbers, got others for "
            f"{(~is_sound).sum():,} images ({path} is the first). {remedy}"
        )
        raise DataError(message)


def _replace(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
