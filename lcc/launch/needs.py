"""What a stage needs from outside, looked at before its first step.

Knows files, modules, room on the disk and whether MLflow answers; not the network's
weights, which the step `model` of a pipeline builds where the others will run.
"""

import shutil
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from lcc.config.card import parse_card
from lcc.config.model import SMALL, is_file_name
from lcc.config.settings import Settings
from lcc.config.storage import StorageSettings
from lcc.errors import (
    ConfigError,
    NoRoomError,
    NotFoundError,
    UnavailableError,
)
from lcc.launch.plan import Stage, reads_source
from lcc.launch.resolve import FILES
from lcc.storage.uri import file_size, local_path, read_file, scheme_of
from lcc.tracking.location import tracking_uri
from lcc.tracking.server import TrackingServer

TRAINING = (Stage.SEARCH, Stage.TRAIN, Stage.PIPELINE)
JUDGING = (*TRAINING, Stage.EVALUATE, Stage.PREDICT)
REPORTING = ("cleanlab", "matplotlib", "seaborn")
MODULES = ("tensorflow", "mlflow", *REPORTING)  # of lcc[worker]
IMAGE_BYTES = 50_000  # of features and tables for each image, besides its tile
RESNET_BYTES = 95_000_000  # the default backbone; the others are mostly smaller
SMALL_BYTES = 1_500_000
COPIES = 3  # .keras, .h5 and MLflow's
CHECKPOINT_COPIES = 8  # two, each with weights, the best ones, and Adam's two moments
GB = 10**9


def check_files(
    stage: Stage, settings: Settings, storage: StorageSettings, *, is_here: bool
) -> None:
    """Look for every file that the steps of a stage will read.

    Args:
        stage: The stage.
        settings: With absolute locations.
        storage: How S3 is reached from here.
        is_here: Whether steps see the files of this machine.

    Raises:
        NotFoundError: Some are not there; it names all.
    """
    faults = []
    for path, uri in _files(stage, settings).items():
        if scheme_of(uri) == "file" and not is_here:
            continue  # of files that pods cannot see the back end speaks
        if file_size(uri, storage) is None:
            shown = str(local_path(uri)) if scheme_of(uri) == "file" else uri
            faults.append(f"{path}: must be a file, got {shown}, which is not there.")
    if faults:
        message = "\n".join([*faults[:-1], f"{faults[-1]} Check the path or URI."])
        raise NotFoundError(message)


def _files(stage: Stage, settings: Settings) -> dict[str, str]:
    """Return the files that a stage reads, by setting."""
    sections = {"data"} if reads_source(stage, settings) else set()
    sections |= {"model"} if stage in TRAINING else set()
    sections |= {"evaluate"} if stage in (Stage.EVALUATE, Stage.PIPELINE) else set()
    found = {}
    for path in FILES:
        section, _, name = path.partition(".")
        value = getattr(getattr(settings, section), name)
        if section in sections and value is not None and is_file_name(value):
            found[path] = value
    return found


def check_card(stage: Stage, settings: Settings, storage: StorageSettings) -> None:
    """Read the answers for the cards that a stage will write, hours before it does.

    Args:
        stage: The stage.
        settings: With absolute locations.
        storage: How S3 is reached from here.

    Raises:
        ConfigError: Lists every fault of the file.
    """
    uri = settings.evaluate.card
    if uri is not None and stage in (Stage.EVALUATE, Stage.PIPELINE):
        parse_card(read_file(uri, storage), source=uri.rpartition("/")[2])


def check_modules(
    stage: Stage, *, find: Callable[[str], object | None] = find_spec
) -> None:
    """Look whether this machine has what a stage's steps import.

    Raises:
        ConfigError: Some is not installed.
    """
    check_installed(MODULES if stage in JUDGING else (), what=stage, find=find)


def check_installed(
    modules: Iterable[str],
    *,
    what: str,
    extra: str = "worker",
    find: Callable[[str], object | None] = find_spec,
) -> None:
    """Look whether this machine has some modules.

    Args:
        modules: Their names.
        what: Needs them.
        extra: Of this package, that brings them.
        find: Returns nothing for a module that is not there.

    Raises:
        ConfigError: Some is not installed.
    """
    missing = [name for name in modules if find(name) is None]
    if missing:
        message = (
            f"{', '.join(missing)}: must be installed for {what} on this machine, got "
            f"no such module. In a checkout of lcc: pip install '.[{extra}]'"
        )
        raise ConfigError(message)


def check_room(
    stage: Stage,
    settings: Settings,
    *,
    num_images: int,
    free_bytes: Callable[[Path], int] | None = None,
) -> None:
    """Look whether a root that is a folder has room for what a stage will write.

    Args:
        stage: The stage.
        settings: With absolute locations.
        num_images: Of the source; 0 where nobody has counted them.
        free_bytes: Returns the room around a folder that exists.

    Raises:
        NoRoomError: It has not.
    """
    root = settings.storage.root or ""
    if scheme_of(root) != "file":
        return
    folder = local_path(root)
    around = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = (free_bytes or _free_bytes)(around)
    needed = needed_bytes(stage, settings, num_images=num_images)
    if free < needed:
        message = (
            f"storage.root: {folder} must have room for about {needed / GB:.1f} GB, "
            f"got {free / GB:.1f} GB free. Free some, or pass another --root."
        )
        raise NoRoomError(message)


def needed_bytes(stage: Stage, settings: Settings, *, num_images: int) -> int:
    """Return about how much a stage writes, rather too much than too little."""
    data = settings.data
    images = num_images * (3 * data.tile_size_px**2 + IMAGE_BYTES)
    if stage not in (Stage.TRAIN, Stage.PIPELINE):
        return images
    is_frozen = settings.model.frozen_stages == "all"  # then the head alone is saved
    return images + _weight_bytes(settings) * (
        COPIES + (0 if is_frozen else CHECKPOINT_COPIES)
    )


def _weight_bytes(settings: Settings) -> int:
    backbone = settings.model.backbone
    if is_file_name(backbone):
        return file_size(backbone, settings.storage) or RESNET_BYTES
    return SMALL_BYTES if backbone == SMALL else RESNET_BYTES


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def tracking_notes(server: TrackingServer, settings: Settings) -> Iterable[str]:
    """Yield a line where MLflow does not answer: a run goes on without it."""
    uri = tracking_uri(settings.tracking, settings.storage.root or "")
    if not uri.startswith("http"):
        return
    try:
        with server.session():
            return
    except UnavailableError:
        yield (
            f"  MLflow at {uri} does not answer: reports are kept under the root and "
            "sent once it does"
        )
