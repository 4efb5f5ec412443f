"""What every step of `prepare` is given: settings, root, folder, progress.

Knows the digests that address listing and shards; not what a step computes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import cv2
import PIL

from lcc.config.settings import Settings
from lcc.data.shards import HashShards
from lcc.data.work import ProgressCounter
from lcc.errors import ConfigError
from lcc.images.decode import RULES
from lcc.listing.listing import Listing, read_listing
from lcc.storage import layout
from lcc.storage.patient import make_patient
from lcc.storage.pointers import read_listing_pointer
from lcc.storage.store import Store
from lcc.storage.uri import absolute_uri, open_store


class StepInputs(Protocol):
    """What `Task.of` takes from the context that an entry point is given."""

    @property
    def run_id(self) -> str:
        """Run that the step belongs to."""

    @property
    def store(self) -> Store:
        """The root."""

    @property
    def settings(self) -> Settings:
        """Settings in force."""

    @property
    def scratch(self) -> Path:
        """Empty local folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One step of `prepare`: its settings, its root, its folder.

    Attributes:
        run_id: Run that the step belongs to.
        store: The root.
        settings: Settings in force.
        scratch: Empty local folder.
        progress: Starts a counter of so many units.
    """

    run_id: str
    store: Store
    settings: Settings
    scratch: Path
    progress: Callable[[int], ProgressCounter]

    @classmethod
    def of(
        cls, context: StepInputs, *, progress: Callable[[int], ProgressCounter]
    ) -> Self:
        """Return the task of the process that a context describes."""
        return cls(
            run_id=context.run_id,
            store=context.store,
            settings=context.settings,
            scratch=context.scratch,
            progress=progress,
        )

    @property
    def name(self) -> str:
        """Name of the data set."""
        if self.settings.data.name is None:  # the launcher always writes it
            message = "data.name: must be set, got none. Pass --name."
            raise ConfigError(message)
        return self.settings.data.name

    @property
    def source(self) -> Store:
        """The store that holds the images."""
        if self.settings.data.source is None:
            message = "data.source: must be set, got none. Name a folder or s3://… URI."
            raise ConfigError(message)
        settings = self.settings.storage
        store = open_store(absolute_uri(self.settings.data.source), settings)
        return make_patient(store, settings)

    def listing(self) -> Listing:
        """Return the listing that the step `list` of this run wrote."""
        digest = read_listing_pointer(self.store, self.run_id)
        return read_listing(self.store, name=self.name, digest=digest)

    def hash_shards(self, listing: Listing) -> HashShards:
        """Return the shards of the step `hash`, whether they are there or not."""
        data = self.settings.data
        digest = layout.input_digest(
            step="hash",
            listing=listing.digest,
            tile_size_px=data.tile_size_px,
            max_megapixels=data.max_megapixels,
            num_keypoints=data.families.num_keypoints,
            decoders=[RULES, cv2.__version__, PIL.__version__],
        )
        return HashShards(
            store=self.store,
            digest=digest,
            num_shards=data.num_shards,
            num_keypoints=data.families.num_keypoints,
            scratch=self.scratch,
        )
