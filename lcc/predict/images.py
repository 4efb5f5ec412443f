"""The images that a model is to answer, as its predict run has listed them.

Knows files of a source, and what the model's training images were like; not what is
inside a file.
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from lcc.config.load import parse_settings
from lcc.data.catalogue import read_catalogue
from lcc.data.digest import digest_rows, encode_name
from lcc.data.parquet import from_parquet, to_parquet
from lcc.listing.listing import results_prefix
from lcc.listing.sources import find_images
from lcc.predict.rules import AnswerRules
from lcc.predict.sizes import TrainingSizes, sizes_of
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import absolute_uri

logger = logging.getLogger(__name__)

LISTED = pa.schema(
    {"path": pa.string(), "size_bytes": pa.int64(), "change_mark": pa.string()}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesNote:
    """What is known of the images before any is opened.

    Attributes:
        digest: SHA-256 of source and rows; differs when any file was changed.
        num_images: Files that may be images.
        left_out: Reason → number of other files.
        other_folders: Folders of images that bear no class of the model, where
            others do: they may be classes that it does not know.
        sizes: Of the images that the model learned from.
    """

    digest: str
    num_images: int
    left_out: Mapping[str, int]
    other_folders: Sequence[str]
    sizes: TrainingSizes


def list_images(
    source: Store, store: Store, *, root: str, run_id: str, note_of: "NoteOf"
) -> ImagesNote:
    """List the images of a source, at any depth, by path; what was listed stays.

    The same files are left out as by `prepare`: hidden ones, litter, side files.

    Args:
        source: Holds the images.
        store: The root.
        root: Its URI; what lies below it is no input.
        run_id: The predict run.
        note_of: Makes the note.

    Raises:
        DataError: There is no such folder, or it holds no image.
    """
    if store.exists(layout.images_note(run_id)):
        return read_note(store, run_id)
    skip = results_prefix(source.uri, absolute_uri(root))
    found, left_out = find_images(source, skip=skip, setting="predict.source")
    rows = sorted((encode_name(e.key), e.size_bytes, e.change_mark) for e in found)
    note = note_of(source.uri, rows, Counter(reason for _, reason in left_out))
    columns = dict(zip(LISTED.names, zip(*rows, strict=True), strict=True))
    table = pa.table(columns, schema=LISTED)
    store.write(layout.images_listed(run_id), to_parquet(table))
    content = json.dumps(asdict(note), indent=1).encode()
    store.write(layout.images_note(run_id), content)
    logger.info("event=listed source=%s images=%d", source.uri, len(rows))
    return note


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteOf:
    """Makes the note on a listing, for one model.

    Attributes:
        class_names: Of the model.
        sizes: Of the images that it learned from.
    """

    class_names: Sequence[str]
    sizes: TrainingSizes

    def __call__(
        self,
        uri: str,
        rows: Sequence[tuple[str, int, str]],
        left_out: Mapping[str, int],
    ) -> ImagesNote:
        """Return the note on the rows that were listed of a source."""
        folders = {path.split("/")[-2] for path, _, _ in rows if "/" in path}
        is_known = not folders.isdisjoint(self.class_names)
        others = sorted(folders.difference(self.class_names)) if is_known else []
        return ImagesNote(
            digest=digest_rows([(uri,), *rows]),
            num_images=len(rows),
            left_out=dict(sorted(left_out.items())),
            other_folders=others,
            sizes=self.sizes,
        )


def read_note(store: Store, run_id: str) -> ImagesNote:
    """Return the note that `list_images` has written."""
    document = json.loads(store.read(layout.images_note(run_id)))
    sizes = TrainingSizes(**document.pop("sizes"))
    return ImagesNote(**document, sizes=sizes)


def read_images(store: Store, run_id: str) -> pa.Table:
    """Return the table of images that `list_images` has written."""
    return from_parquet(store.read(layout.images_listed(run_id)))


def training_sizes(store: Store, model_run: str, rules: AnswerRules) -> TrainingSizes:
    """Return the sizes of the images that the model of a train run learned from.

    Raises:
        NotFoundError: Its catalogue is gone.
    """
    text = store.read(layout.run_settings(model_run)).decode()
    name = parse_settings(text, source=model_run).data.name or ""
    return sizes_of(read_catalogue(store, name=name, digest=rules.catalogue))
