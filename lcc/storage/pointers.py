"""Small objects that name others: the latest catalogue, and what a prepare run made.

Knows their form and its version; not what they point at.
"""

import json

from lcc.config.commands import command_line
from lcc.errors import DataError, NotFoundError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri

SOURCE = "SOURCE"  # in a command: to be filled in


def write_latest(
    store: Store, name: str, digest: str, *, is_undivided: bool = False
) -> None:
    """Point at the latest catalogue of a data set, whose files are all written.

    Args:
        store: The root.
        name: Data set.
        digest: Of the catalogue.
        is_undivided: Whether nobody can learn from it.
    """
    document = {"catalogue": digest, "format": layout.FORMAT_VERSION}
    document |= {"undivided": True} if is_undivided else {}
    store.write(layout.latest(name), json.dumps(document).encode())


def read_latest(store: Store, name: str) -> str:
    """Return the digest of the latest catalogue of a data set.

    Raises:
        NotFoundError: There is none.
        DataError: Another version of lcc wrote it.
    """
    key = layout.latest(name)
    try:
        document = json.loads(store.read(key))
    except NotFoundError as err:
        message = (
            f"{shown_uri(store.uri, key)}: not found. Set data.name or data.catalogue, "
            f"or run first: {command_line('prepare', *source_words(store, name))}"
        )
        raise NotFoundError(message) from err
    check_version(shown_uri(store.uri, key), document.get("format"))
    return str(document["catalogue"])


def source_words(store: Store, name: str) -> list[str]:
    """Return the words by which `prepare` makes a data set of a root again."""
    key = layout.dataset_source(name)
    if not store.exists(key):
        return [SOURCE]
    source = str(json.loads(store.read(key))["source"])
    return [shown_uri(source), "--name", name]


def dataset_names(store: Store) -> list[str]:
    """Return the data sets of a root that have a catalogue, sorted."""
    keys = (item.key for item in store.list_objects(layout.DATASETS_PREFIX))
    return sorted(name for key in keys if (name := layout.dataset_of_latest(key)))


def names_to_learn_from(store: Store) -> list[str]:
    """Return the data sets of a root that are split, sorted."""
    return [
        name
        for name in dataset_names(store)
        if not json.loads(store.read(layout.latest(name))).get("undivided")
    ]


def write_listing_pointer(
    store: Store, run_id: str, digest: str, *, num_images: int
) -> None:
    """Note which listing a prepare run works on; the first note stays."""
    document = {"listing": digest, "num_images": num_images}
    store.create(layout.listing_pointer(run_id), json.dumps(document).encode())


def read_listing_pointer(store: Store, run_id: str) -> str:
    """Return the digest of the listing that a prepare run works on."""
    document = json.loads(store.read(layout.listing_pointer(run_id)))
    return str(document["listing"])


def write_catalogue_pointer(store: Store, run_id: str, name: str, digest: str) -> None:
    """Note which catalogue a prepare run made."""
    document = {"name": name, "digest": digest}
    store.write(layout.catalogue_pointer(run_id), json.dumps(document).encode())


def read_catalogue_pointer(store: Store, run_id: str) -> tuple[str, str]:
    """Return data set and digest of the catalogue that a prepare run made."""
    document = json.loads(store.read(layout.catalogue_pointer(run_id)))
    return str(document["name"]), str(document["digest"])


def check_version(where: str, version: object) -> None:
    """Refuse an object that another version of lcc wrote.

    Args:
        where: It lies, for messages.
        version: Format version that it notes.

    Raises:
        DataError: It is another one, or none.
    """
    if str(version) != str(layout.FORMAT_VERSION):
        found = "none" if version is None else version
        message = (
            f"{where}: format must be {layout.FORMAT_VERSION}, got {found}. Use the "
            "release of lcc that wrote it, or run again: "
            f"{command_line('prepare', SOURCE)}"
        )
        raise DataError(message)
