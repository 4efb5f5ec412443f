"""By what rules a trained model answers: calibrated, and not where it should not.

Knows what a train run and its evaluation left; runs no network and reads no image.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lcc.data.digest import digest_of
from lcc.errors import DataError
from lcc.evaluate.bootstrap import Floats
from lcc.evaluate.calibration import scale
from lcc.evaluate.kept import NOVELTY
from lcc.evaluate.network import Answers
from lcc.evaluate.novelty import KnownTissue, read_known
from lcc.evaluate.selective import REFER, UNFAMILIAR
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri


class Decided(NamedTuple):
    """What is to be made of some images.

    Attributes:
        probabilities: (n, classes), calibrated.
        predicted: (n,) the likeliest class of each.
        decisions: (n,) that class, `refer`, or `unfamiliar`.
        novelty: (n,) how unlike the training images, 0 to 2; NaN where unknown.
    """

    probabilities: Floats
    predicted: NDArray[np.str_]
    decisions: NDArray[np.str_]
    novelty: Floats


@dataclass(frozen=True, kw_only=True)
class AnswerRules:
    """How what a network says becomes an answer.

    Attributes:
        class_names: In the order of the network's outputs.
        side_px: Side of the tiles that it takes.
        sha256: Of its file.
        catalogue: Digest of the catalogue that it was trained on.
        evaluation: The evaluation that set what follows; none: nothing was set.
        temperature: Divides the logarithms of the probabilities.
        threshold: Least probability of the class taken that is answered; 0: all are.
        max_error: Error among answers that the threshold was chosen for.
        known: Training images that novelty is measured from; none: it is not known.
    """

    class_names: tuple[str, ...]
    side_px: int
    sha256: str
    catalogue: str
    evaluation: str | None = None
    temperature: float = 1.0
    threshold: float = 0.0
    max_error: float | None = None
    known: KnownTissue | None = field(default=None, repr=False)

    def decide(self, said: Answers) -> Decided:
        """Return what is to be made of images that a network said something of.

        How sure it is of an image that it does not know says nothing: novelty first.
        """
        probabilities = scale(said.probabilities, self.temperature)
        predicted = np.array(self.class_names)[probabilities.argmax(axis=1)]
        decisions = predicted.astype(object)
        decisions[probabilities.max(axis=1) < self.threshold] = REFER
        novelty = np.full(len(probabilities), np.nan)
        if self.known is not None and said.novelty is not None:
            novelty = said.novelty
            decisions[self.known.is_unfamiliar(novelty)] = UNFAMILIAR
        return Decided(probabilities, predicted, decisions.astype(str), novelty)


def fetch_network(
    store: Store, model_run: str, rules: AnswerRules, *, scratch: Path
) -> Path:
    """Return the file of a trained network, checked by its SHA-256.

    Raises:
        NotFoundError: It is gone.
        DataError: It is not the one that was trained.
    """
    key = layout.model(model_run)
    path = store.fetch(key, scratch)
    if (found := digest_of(path)) != rules.sha256:
        message = (
            f"{shown_uri(store.uri, key)}: SHA-256 must be {rules.sha256}, as it was "
            f"trained, got {found}. Bring the file back, or train again."
        )
        raise DataError(message)
    return path


def read_rules(store: Store, model_run: str, evaluation: str | None) -> AnswerRules:
    """Return the rules by which the model of a train run answers.

    Args:
        store: The root.
        model_run: The train run.
        evaluation: A finished evaluation of it on its sealed test; none: probabilities
            are as the network says, and every image is answered.

    Raises:
        NotFoundError: There is no such run, or it has left no model.
    """
    card = json.loads(store.read(layout.model_card(model_run)))
    plain = AnswerRules(
        class_names=tuple(card["class_names"]),
        side_px=int(card["tile_size_px"]),
        sha256=card["sha256"],
        catalogue=card["catalogue"],
    )
    if evaluation is None:
        return plain
    document = json.loads(store.read(layout.metrics(evaluation)))
    abstention = document["abstention"] or {"threshold": 0.0, "max_error": None}
    key = layout.evaluation(evaluation, NOVELTY)
    return replace(
        plain,
        evaluation=evaluation,
        temperature=float(document["calibration"]["temperature"]),
        threshold=float(abstention["threshold"]),
        max_error=abstention["max_error"],
        known=read_known(store.read(key)) if store.exists(key) else None,
    )
