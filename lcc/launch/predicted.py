"""What to print of predictions on new images: whose they are, and what was answered.

Knows the summary that the run has left; prints nothing.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lcc.config.commands import command_line
from lcc.config.predict import PredictSettings
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri

NOT_CLINICAL = "not for clinical use"


def model_words(settings: PredictSettings) -> str:
    """Return which model answers, and how it was found.

    Example:
        >>> own = PredictSettings(model_run="train-1", chosen_by="champion, version 3")
        >>> model_words(own)
        'train-1 (champion, version 3)'
    """
    how = f" ({settings.chosen_by})" if settings.chosen_by else ""
    return f"{settings.model_run}{how}"


def prediction_lines(
    store: Store, run_id: str, settings: PredictSettings
) -> Iterator[str]:
    """Yield what came of a predict run.

    Args:
        store: The root.
        run_id: The run; it is done.
        settings: Of the run.
    """
    found = json.loads(store.read(layout.predictions_summary(run_id)))
    yield f"model {model_words(settings)}"
    yield from _how_sure(found)
    yield f"{_images(found['images'])}: {_decisions(found['decisions'])}"
    yield from _without_answer(found["reasons"])
    yield from _doubts(found)
    yield shown_uri(store.uri, layout.predictions(run_id))
    yield shown_uri(store.uri, layout.predictions_csv(run_id))
    yield NOT_CLINICAL


def _how_sure(found: Mapping[str, Any]) -> Iterator[str]:
    if found["evaluation"] is None:
        evaluate = command_line("evaluate", "--run", found["model_run"])
        yield (
            "probabilities are as the network says, not calibrated; nothing is "
            f"referred or unfamiliar. First: {evaluate}"
        )
        return
    yield f"calibrated by {found['evaluation']}"
    if found["max_error"] is None:
        yield "no image is referred: that evaluation has set no threshold"
    if not found["knows_strangers"]:
        yield "no image is called unfamiliar: that evaluation has set no threshold"


def _decisions(decisions: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in decisions.items())


def _without_answer(reasons: list[Mapping[str, Any]]) -> Iterator[str]:
    if not reasons:
        return
    yield f"no answer for {sum(found['count'] for found in reasons):,}"
    for found in reasons:
        more = " …" if found["count"] > len(found["first"]) else ""
        yield f"  {found['count']:,} {found['reason']} ({found['advice']})"
        yield f"    {', '.join(found['first'])}{more}"


def _doubts(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what speaks against the answers as a whole."""
    shortest, longest = found["training_px"]
    if found["smaller"]:
        sides = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
        yield (
            f"warning: {_images(found['smaller'])} with less than half the sides of "
            f"the training images ({sides} px): answered, but they lack detail that "
            "the model knows"
        )
    if found["other_folders"]:
        folders = ", ".join(found["other_folders"])
        yield f"warning: the model has no class of the folders {folders}"
    if found["left_out"]:
        counts = ", ".join(f"{n} {reason}" for reason, n in found["left_out"].items())
        yield f"left out, by name: {counts}"


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"
