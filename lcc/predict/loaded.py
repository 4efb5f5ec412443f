"""A trained model in a notebook: images in, a table of answers out.

Knows where the parts of a model lie; not how its network is run.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lcc.data.tiles import decode_tile, make_tile
from lcc.errors import ConfigError, DataError, NotFoundError
from lcc.evaluate.kept import NOVELTY
from lcc.evaluate.network import Answers, Ask, Network, ask_of
from lcc.evaluate.novelty import read_known
from lcc.evaluate.predictions import CALIBRATED
from lcc.images.decode import Image8, UnreadableError
from lcc.predict.exported import FACTS, Exported, read_exported
from lcc.predict.formats import Format
from lcc.predict.rules import AnswerRules, fetch_network, read_rules
from lcc.predict.written import BATCH_SIZE, load_keras, open_written
from lcc.storage.store import Store

if TYPE_CHECKING:
    import pandas as pd

COLOURS = 3
SEEING = (Format.KERAS, Format.H5)  # whose features can be looked at


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A trained model that answers images; `lcc.load_model` returns one.

    Attributes:
        rules: Classes, side of the tiles, temperature and thresholds.
    """

    rules: AnswerRules
    ask: Ask = field(repr=False)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes, in the order of the columns of probabilities."""
        return self.rules.class_names

    def predict(self, images: Sequence[str | Path | Image8]) -> "pd.DataFrame":
        """Return a row for each image, in the order given.

        An image is decoded as in training, its shorter side scaled to the side of the
        tiles, and the square in the middle cut out. It should show tissue at the
        magnification of the training tiles, which nothing here can check.

        Args:
            images: Files of this machine, or (height, width, 3) uint8 arrays, RGB.

        Returns:
            Columns `path` (missing for an array), `predicted` (the likeliest class),
            `calibrated/<class>` (probabilities, 0 to 1), `novelty` (0 to 2, how unlike
            the training images; NaN where the model cannot tell), `decision` (a class,
            `refer` or `unfamiliar`), `reason` (why a file cannot be read; then there
            is no answer), `width_px` and `height_px`.

        Raises:
            NotFoundError: A file is not there; nothing is answered.
            DataError: An array is of another shape or type.

        Example:
            model = lcc.load_model("train-20261128-0808-g44w", root="lcc-study")
            model.predict(["a.png", np.zeros((224, 224, 3), np.uint8)])
        """
        import pandas as pd

        _check_images(images)
        rows: list[dict[str, object]] = []
        for start in range(0, len(images), BATCH_SIZE):
            rows += self._answer(images[start : start + BATCH_SIZE])
        return pd.DataFrame(rows, columns=list(self._no_answer()))

    def _answer(self, images: Sequence[str | Path | Image8]) -> list[dict[str, object]]:
        opened = [_open(image, size_px=self.rules.side_px) for image in images]
        rows = [self._no_answer() | image.facts for image in opened]
        tiles = [image.tile for image in opened if image.tile is not None]
        if not tiles:
            return rows
        decided = self.rules.decide(self.ask(np.stack(tiles)))
        names = [f"{CALIBRATED}{name}" for name in self.class_names]
        answered = [row for row in rows if row["reason"] is None]
        for place, row in enumerate(answered):
            probabilities = decided.probabilities[place].tolist()
            row |= dict(zip(names, probabilities, strict=True))
            row |= {
                "predicted": str(decided.predicted[place]),
                "decision": str(decided.decisions[place]),
                "novelty": float(decided.novelty[place]),
            }
        return rows

    def _no_answer(self) -> dict[str, object]:
        """Return all columns, in order, as they are without an answer."""
        return {
            "path": None,
            "predicted": None,
            **{f"{CALIBRATED}{name}": np.nan for name in self.class_names},
            "novelty": np.nan,
            "decision": None,
            "reason": None,
            "width_px": None,
            "height_px": None,
        }


def open_trained(
    store: Store, model_run: str, evaluation: str | None, *, scratch: Path
) -> LoadedModel:
    """Return the model of a train run.

    Args:
        store: The root.
        model_run: The train run.
        evaluation: That set temperature and thresholds, none without.
        scratch: Where the network is copied to from a bucket.

    Raises:
        NotFoundError: There is no such model.
        DataError: The network is not the one that was trained.
    """
    rules = read_rules(store, model_run, evaluation)
    path = fetch_network(store, model_run, rules, scratch=scratch)
    network = Network(load_keras(path), side_px=rules.side_px)
    return LoadedModel(rules=rules, ask=ask_of(network, rules.known))


def open_exported(folder: Path) -> LoadedModel:
    """Return the model of a folder that `export` wrote.

    How unlike the training images an image is can be told of `keras` and `h5` alone.

    Raises:
        ConfigError: What runs the network is not installed.
        NotFoundError: The folder, or a file of it, is not there.
        DataError: A file is not what was exported, or says something else.
    """
    facts = read_exported(folder)
    rules = _rules_of(facts, folder)
    with _blaming(facts, folder):
        ask = _ask_written(facts, rules, folder / facts.network)
        blank = np.zeros((1, facts.side_px, facts.side_px, COLOURS), np.uint8)
        num_classes = ask(blank).probabilities.shape[1]
    if num_classes != len(facts.class_names):
        message = (
            f"{folder / FACTS}: must name the {num_classes} classes of the network "
            f"beside it, got {len(facts.class_names)}. Export again."
        )
        raise DataError(message)
    return LoadedModel(rules=rules, ask=ask)


def _rules_of(facts: Exported, folder: Path) -> AnswerRules:
    """Return the rules of an exported model: what it says is calibrated already."""
    beside = folder / NOVELTY
    can_see = facts.written_as in SEEING and beside.is_file()
    return AnswerRules(
        class_names=facts.class_names,
        side_px=facts.side_px,
        sha256=facts.trained_sha256,
        catalogue=facts.catalogue,
        evaluation=facts.evaluation,
        threshold=facts.threshold,
        max_error=facts.max_error,
        known=read_known(beside.read_bytes()) if can_see else None,
    )


@contextmanager
def _blaming(facts: Exported, folder: Path) -> Iterator[None]:
    """Say what is wrong with a folder whose network does not run.

    Raises:
        ConfigError: What runs it is not installed.
        DataError: It is not the network that the facts are of.
    """
    try:
        yield
    except ModuleNotFoundError as err:
        message = (
            f"{err.name}: must be installed for a network of {facts.written_as}, got "
            "no such module. In a checkout of lcc: pip install '.[export]'"
        )
        raise ConfigError(message) from err
    except Exception as err:  # each library has its own
        why = str(err).strip().partition("\n")[0]
        message = (
            f"{folder / FACTS}: must be of the network beside it, got side_px "
            f"{facts.side_px}, which fails ({why}). Export again."
        )
        raise DataError(message) from err


def _ask_written(facts: Exported, rules: AnswerRules, path: Path) -> Ask:
    """Return what asks an exported network; its answers are calibrated."""
    if facts.written_as in SEEING:
        return ask_of(Network(load_keras(path), side_px=facts.side_px), rules.known)
    answer = open_written(
        path, facts.written_as, is_for_wsinfer=not facts.softmax_included
    )
    return lambda images: Answers(answer(images))


class _Opened(NamedTuple):
    """An image before the network is asked: its columns, and its tile if it has one."""

    facts: dict[str, object]
    tile: Image8 | None = None


def _open(image: str | Path | Image8, *, size_px: int) -> _Opened:
    if isinstance(image, np.ndarray):
        return _Opened(_sides(image), make_tile(image, size_px=size_px))
    facts = {"path": str(image)}
    try:
        decoded, tile = decode_tile(Path(image).read_bytes(), size_px=size_px)
    except UnreadableError as err:
        width, height = err.size_px or (None, None)
        return _Opened(
            facts | {"reason": str(err.reason), "width_px": width, "height_px": height}
        )
    return _Opened(facts | _sides(decoded.pixels), tile)


def _sides(pixels: Image8) -> dict[str, object]:
    height, width = pixels.shape[:2]
    return {"width_px": width, "height_px": height}


def _check_images(images: Sequence[str | Path | Image8]) -> None:
    """Refuse what is no image, before any is answered."""
    if isinstance(images, str | Path):
        message = f"images: must be a list, got {images!r} alone. Pass [{images!r}]."
        raise DataError(message)
    for place, image in enumerate(images):
        if isinstance(image, np.ndarray):
            _check_array(image, place)
        elif not Path(image).is_file():
            message = (
                f"images[{place}]: must be a file, got {image}, which is not there. "
                "Check its path."
            )
            raise NotFoundError(message)


def _check_array(image: NDArray[Any], place: int) -> None:
    is_rgb = image.ndim == COLOURS and image.shape[2] == COLOURS and image.size > 0
    if not is_rgb or image.dtype != np.uint8:
        message = (
            f"images[{place}]: must be (height, width, 3) uint8, RGB, got "
            f"{image.shape} {image.dtype}. Convert it, with values of 0–255."
        )
        raise DataError(message)
