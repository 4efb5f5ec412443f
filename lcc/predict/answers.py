"""What a model says of new images: one row each, in the order of their paths.

Columns: `path`; `predicted` and `calibrated/<class>` (probabilities, 0 to 1); `novelty`
(0 to 2, null where unknown); `decision` (a class, `refer` or `unfamiliar`); `reason`
where there is no answer, and all of these are null; `width_px` and `height_px` of the
file's picture, null where nobody could tell.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa

from lcc.errors import DataError
from lcc.evaluate.network import Answers, Ask, join_answers
from lcc.evaluate.predictions import CALIBRATED
from lcc.images.decode import Image8
from lcc.predict.opening import OpenedImage
from lcc.predict.rules import AnswerRules

BATCH = 32  # tiles of each forward pass, never fewer: other shapes may round otherwise


def schema_of(class_names: Sequence[str]) -> pa.Schema:
    """Return the columns of answers, for a model of some classes."""
    return pa.schema(
        {
            "path": pa.string(),
            "predicted": pa.string(),
            **{f"{CALIBRATED}{name}": pa.float64() for name in class_names},
            "novelty": pa.float64(),
            "decision": pa.string(),
            "reason": pa.string(),
            "width_px": pa.int64(),
            "height_px": pa.int64(),
        }
    )


def answer(
    images: Iterable[OpenedImage],
    rules: AnswerRules,
    ask: Ask,
    *,
    advance: Callable[[], None] = lambda: None,
) -> pa.Table:
    """Return a row for each image.

    The same images in the same order give the same bytes, whatever comes before and
    after them: batches are of one size, the last one filled up.

    Args:
        images: Opened, to tiles of the side that the network takes.
        rules: How what it says becomes an answer.
        ask: The network.
        advance: Called after each image.

    Raises:
        DataError: A probability is no number.
    """
    rows: list[dict[str, object]] = []
    answered: list[int] = []
    tiles: list[Image8] = []
    said: list[Answers] = []
    for image in images:
        rows.append(_facts(image))
        if image.tile is not None:
            answered.append(len(rows) - 1)
            tiles.append(image.tile)
        if len(tiles) == BATCH:
            said.append(_ask_full(tiles, ask))
            tiles.clear()
        advance()
    if tiles:
        said.append(_ask_full(tiles, ask))
    if said:
        _add(rows, answered, rules, join_answers(said))
    return pa.Table.from_pylist(rows, schema=schema_of(rules.class_names))


def _facts(image: OpenedImage) -> dict[str, object]:
    return {
        "path": image.path,
        "reason": image.reason,
        "width_px": image.width_px,
        "height_px": image.height_px,
    }


def _ask_full(tiles: Sequence[Image8], ask: Ask) -> Answers:
    """Return what a network says of a batch, asked for a full one."""
    batch = np.zeros((BATCH, *tiles[0].shape), np.uint8)
    batch[: len(tiles)] = tiles
    found = ask(batch)
    novelty = None if found.novelty is None else found.novelty[: len(tiles)]
    return Answers(found.probabilities[: len(tiles)], novelty)


def _add(
    rows: Sequence[dict[str, object]],
    answered: Sequence[int],
    rules: AnswerRules,
    said: Answers,
) -> None:
    """Add the answers to the rows that have one."""
    if not np.isfinite(said.probabilities).all():
        message = (
            "model: probabilities must be numbers, got others. Train again at a lower "
            "train.learning_rate, or name another --model."
        )
        raise DataError(message)
    decided = rules.decide(said)
    names = [f"{CALIBRATED}{name}" for name in rules.class_names]
    is_known = np.isfinite(decided.novelty)
    for place, row in enumerate(answered):
        rows[row] |= dict(
            zip(names, decided.probabilities[place].tolist(), strict=True)
        )
        rows[row] |= {
            "predicted": str(decided.predicted[place]),
            "decision": str(decided.decisions[place]),
            "novelty": float(decided.novelty[place]) if is_known[place] else None,
        }
