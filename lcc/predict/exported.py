"""What an exported model is: `model.json` beside its network, and whether both fit.

Knows facts and files; loads no network.
"""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from lcc.data.digest import digest_of
from lcc.errors import DataError, NotFoundError
from lcc.predict.formats import Format
from lcc.storage.store import check_key

FACTS = "model.json"


class _Facts(BaseModel):
    """Facts of a file: nothing but what is known here may stand in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Verified(_Facts):
    """How the written network was compared with the one that was trained.

    Attributes:
        num_images: Images that both were given.
        are_drawn: Whether these were drawn, not tiles of the data set.
        max_difference: Largest difference of a calibrated probability.
        num_same_class: Images of which both take the same class.
    """

    num_images: int
    are_drawn: bool
    max_difference: float
    num_same_class: int


class Exported(_Facts):
    """Facts of an exported model, for whoever runs it.

    Attributes:
        written_as: Format of the network.
        quantized: Whether it computes in integers of eight bits.
        network: Its file, or folder, beside this one.
        class_names: Meaning of the output's columns.
        side_px: Side of the images.
        input_name: Name of the input where the format has names.
        layout: Order of the input's dimensions.
        colour_order: Order of the channels.
        value_range: Of the input, float32; all scaling lies inside the network.
        softmax_included: Whether the output is probabilities; else their softmax is.
        calibrated: Whether an evaluation set the temperature.
        temperature: That lies inside the network; 1 changes nothing.
        threshold: Least probability of the class taken that is answered; 0: all are.
        max_error: Error among answers that the threshold was chosen for.
        max_novelty: Above it an image is unfamiliar; none: it is not known.
        train_run: That trained the network.
        evaluation: That set temperature and thresholds.
        catalogue: Digest of what it was trained on.
        trained_sha256: Of the network as it was trained.
        verified: How the file was compared with that network.
        software: Library → version that wrote it.
        licence: Terms of use, which only a person can give.
        files: SHA-256 of every other file of the folder, by its path.
    """

    schema_version: Literal[1] = 1
    written_as: Format
    quantized: bool
    network: str
    class_names: tuple[str, ...]
    side_px: int
    input_name: str
    layout: Literal["NHWC", "NCHW"]
    colour_order: Literal["RGB"] = "RGB"
    value_range: tuple[float, float] = (0.0, 255.0)
    softmax_included: bool
    calibrated: bool
    temperature: float
    threshold: float
    max_error: float | None
    max_novelty: float | None
    train_run: str
    evaluation: str | None
    catalogue: str
    trained_sha256: str
    verified: Verified
    software: dict[str, str]
    licence: str | None = None
    files: dict[str, str]


def write_facts(folder: Path, facts: Exported) -> None:
    """Write `model.json` into a folder."""
    text = json.dumps(facts.model_dump(mode="json"), indent=2)
    (folder / FACTS).write_text(f"{text}\n", encoding="utf-8")


def read_exported(folder: Path) -> Exported:
    """Return the facts of an exported model, its files checked by their SHA-256.

    Raises:
        NotFoundError: The folder, or a file of it, is not there.
        DataError: A file is not what was exported.
    """
    facts = _read_facts(folder / FACTS)
    _check_network(facts, folder)
    for name, sha256 in facts.files.items():
        check_key(name)
        path = folder / name
        if not path.is_file():
            message = f"{path}: not found. Export again, or copy the whole folder."
            raise NotFoundError(message)
        if digest_of(path) != sha256:
            message = (
                f"{path}: must be the file that was exported, got other bytes (by its "
                "SHA-256). Copy it again, or export again."
            )
            raise DataError(message)
    return facts


def _check_network(facts: Exported, folder: Path) -> None:
    """Refuse a network without a SHA-256: anybody could have put it there."""
    name = facts.network
    if not any(file == name or file.startswith(f"{name}/") for file in facts.files):
        message = (
            f"{folder / FACTS}: files must have the SHA-256 of the network, got none "
            f"of {name}. Export again."
        )
        raise DataError(message)


def digests_below(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder, by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): digest_of(path) for path in files}


def _read_facts(path: Path) -> Exported:
    try:
        return Exported.model_validate_json(path.read_bytes())
    except OSError as err:
        message = (
            f"{path}: not found. Name a folder that `export` wrote, or a "
            "train run and its root."
        )
        raise NotFoundError(message) from err
    except ValidationError as err:
        first = err.errors()[0]
        where = ".".join(map(str, first["loc"])) or "content"
        message = (
            f"{path}: must be as `export` wrote it, got a fault at {where} "
            f"({first['msg']}). Export again."
        )
        raise DataError(message) from err
