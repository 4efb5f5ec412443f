"""What every step of `predict` is given: settings, root, folder, the model's rules.

Knows the digest that addresses shards; not what a step computes.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, Self

import cv2
import PIL
import pyarrow as pa

from lcc.config.commands import command_line
from lcc.config.settings import Settings
from lcc.data.parquet import from_parquet
from lcc.errors import ConfigError, DataError, NotFoundError
from lcc.images.decode import RULES
from lcc.predict.images import ImagesNote, read_note
from lcc.predict.opening import Opener
from lcc.predict.rules import AnswerRules, read_rules
from lcc.storage import layout
from lcc.storage.patient import make_patient
from lcc.storage.store import Store
from lcc.storage.uri import absolute_uri, open_store, shown_uri


class StepInputs(Protocol):
    """What `PredictTask.of` takes from the context that an entry point is given."""

    @property
    def run_id(self) -> str:
        """Run that the step belongs to."""

    @property
    def store(self) -> Store:
        """The root."""

    @property
    def settings_alone(self) -> Settings:
        """Settings in force, of a process with one device."""

    @property
    def scratch(self) -> Path:
        """Empty local folder."""


@dataclass(frozen=True, kw_only=True)
class PredictTask:
    """One step of `predict`.

    Attributes:
        run_id: Run that the step belongs to.
        store: The root.
        settings: Settings in force.
        scratch: Empty local folder.
    """

    run_id: str
    store: Store
    settings: Settings
    scratch: Path

    @classmethod
    def of(cls, context: StepInputs) -> Self:
        """Return the task of the process that a context describes."""
        return cls(
            run_id=context.run_id,
            store=context.store,
            settings=context.settings_alone,
            scratch=context.scratch,
        )

    @property
    def source(self) -> Store:
        """The store that holds the images."""
        uri = _set(self.settings.predict.source, "predict.source")
        store = open_store(absolute_uri(uri), self.settings.storage)
        return make_patient(store, self.settings.storage)

    @property
    def model_run(self) -> str:
        """The train run whose model answers."""
        return _set(self.settings.predict.model_run, "predict.model_run")

    @cached_property
    def rules(self) -> AnswerRules:
        """How what the model says becomes an answer."""
        return read_rules(self.store, self.model_run, self.settings.predict.evaluation)

    @cached_property
    def note(self) -> ImagesNote:
        """What the step `images` of this run found."""
        return read_note(self.store, self.run_id)

    @property
    def opener(self) -> Opener:
        """What opens images for this model."""
        own = self.settings
        return Opener(
            source=self.source,
            side_px=self.rules.side_px,
            max_megapixels=own.data.max_megapixels,
            sizes=None if own.predict.resize else self.note.sizes,
        )

    @property
    def shards(self) -> "AnswerShards":
        """The shards of answers, whether they are there or not."""
        own, note, rules = self.settings, self.note, self.rules
        digest = layout.input_digest(
            step="predict",
            images=note.digest,
            model=rules.sha256,
            rules=_rules_mark(rules),
            sizes=None if own.predict.resize else [note.sizes.longest_px],
            max_megapixels=own.data.max_megapixels,
            shard_images=own.predict.shard_images,
            # A GPU sums in another order.
            device=str(own.train.device) if own.launch.gpus else "cpu",
            decoders=[RULES, cv2.__version__, PIL.__version__],
        )
        return AnswerShards(
            store=self.store,
            digest=digest,
            num_images=note.num_images,
            shard_images=own.predict.shard_images,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerShards:
    """All shards of answers to one listing; how many there are depends on it alone.

    Attributes:
        store: The root.
        digest: Of all that their bytes depend on.
        num_images: In all.
        shard_images: In each; the last may have fewer.
    """

    store: Store
    digest: str
    num_images: int
    shard_images: int

    def __len__(self) -> int:
        """Return the number of shards."""
        return math.ceil(self.num_images / self.shard_images)

    def key(self, index: int) -> str:
        """Return the key of a shard."""
        return layout.shard(
            self.digest, "predict", index, num_shards=len(self), suffix="parquet"
        )

    def rows(self, index: int) -> range:
        """Return the rows of the listing that a shard answers."""
        start = index * self.shard_images
        return range(start, min(start + self.shard_images, self.num_images))

    def find(self, index: int) -> pa.Table | None:
        """Return a shard, none where it is not there."""
        key = self.key(index)
        return from_parquet(self.store.read(key)) if self.store.exists(key) else None

    def read_all(self, run_id: str) -> Iterator[pa.Table]:
        """Yield every shard in order, one at a time.

        Raises:
            DataError: One is missing.
        """
        for index in range(len(self)):
            try:
                yield from_parquet(self.store.read(self.key(index)))
            except NotFoundError as err:
                message = (
                    f"{shown_uri(self.store.uri, self.key(index))}: not found, a shard "
                    "of answers is missing. Predict again; the others are kept: "
                    f"{command_line('resume', run_id)}"
                )
                raise DataError(message) from err


def _rules_mark(rules: AnswerRules) -> list[object]:
    """Return what decides on answers, as JSON values."""
    known = rules.known
    references = known.references.tobytes() if known else b""
    return [
        list(rules.class_names),
        rules.temperature,
        rules.threshold,
        known and [known.neighbour, known.threshold.value],
        hashlib.sha256(references).hexdigest(),
    ]


def _set(value: str | None, path: str) -> str:
    """Return a setting that the launcher always writes."""
    if value is None:
        message = f"{path}: must be set, got none. Pass --set {path}=…"
        raise ConfigError(message)
    return value
