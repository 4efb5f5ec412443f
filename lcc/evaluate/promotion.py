"""Reads what an evaluation left, holds it to the gate, and writes its cards anew.

Knows files under the root; what must hold is `gate`, and the registry is elsewhere.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lcc.config.commands import command_line
from lcc.config.evaluate import EvaluateSettings
from lcc.data.parquet import from_parquet
from lcc.errors import NotFoundError
from lcc.evaluate.bootstrap import Estimate
from lcc.evaluate.card_files import read_card_sources
from lcc.evaluate.cards import Card, build_cards
from lcc.evaluate.gate import (
    AgainstChampion,
    GateCheck,
    check_gate,
    compare_on_test,
    compare_with_baselines,
)
from lcc.evaluate.kept import split_others
from lcc.evaluate.predictions import read_predictions
from lcc.storage import layout
from lcc.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidacy:
    """A model at the gate.

    Attributes:
        evaluation: The evaluation it is judged by.
        model_run: Its train run.
        checks: Every condition, and what was found.
        cards: Model card and data sheet.
    """

    evaluation: str
    model_run: str
    checks: Sequence[GateCheck]
    cards: tuple[Card, Card]

    @property
    def faults(self) -> tuple[str, ...]:
        """Reasons against it, one message each."""
        return tuple(str(check) for check in self.checks if not check.is_passed)


def judge_candidacy(
    store: Store,
    evaluation: str,
    *,
    champion: str | None,
    champion_evaluations: Sequence[str],
    settings: EvaluateSettings,
) -> Candidacy:
    """Hold the model of an evaluation to every condition of the gate.

    Args:
        store: The root.
        evaluation: Its run id.
        champion: Train run of the present champion, if there is one.
        champion_evaluations: Evaluations of the champion, newest first.
        settings: Limits, resamples, seed.

    Raises:
        NotFoundError: The evaluation has left no predictions.
    """
    metrics = _read_metrics(store, evaluation)
    if metrics is None:
        message = (
            f"{evaluation}: must be an evaluation of the sealed test with predictions, "
            f"got none. Evaluate again: {command_line('evaluate')}"
        )
        raise NotFoundError(message)
    lineage = metrics["lineage"]
    cards = build_cards(metrics, read_card_sources(store, lineage, run_id=evaluation))
    model_run = str(lineage["model run"])
    against = None
    if champion is not None:
        against = _compare(store, evaluation, champion, champion_evaluations, settings)
    splits = layout.splits(lineage["data set"], lineage["catalogue"])
    checks = check_gate(
        metrics,
        json.loads(store.read(splits)),
        on_test=_on_test(store, evaluation, settings),
        unanswered=[question for card in cards for question in card.missing],
        champion=against,
        settings=settings,
    )
    return Candidacy(
        evaluation=evaluation, model_run=model_run, checks=checks, cards=cards
    )


def _on_test(
    store: Store, evaluation: str, settings: EvaluateSettings
) -> dict[str, Estimate]:
    key = layout.compared(evaluation)
    if not store.exists(key):
        return {}
    return compare_with_baselines(
        read_predictions(store.read(layout.predictions(evaluation))),
        split_others(from_parquet(store.read(key))),
        settings=settings,
    )


def write_cards(store: Store, candidacy: Candidacy) -> dict[str, str]:
    """Write the cards below the evaluation; return their keys by name."""
    keys = {}
    for card in candidacy.cards:
        keys[card.file] = layout.evaluation(candidacy.evaluation, card.file)
        store.write(keys[card.file], card.markdown().encode())
    return keys


def _read_metrics(store: Store, run_id: str) -> dict[str, Any] | None:
    needed = (layout.metrics(run_id), layout.predictions(run_id))
    if not all(map(store.exists, needed)):
        return None
    return dict(json.loads(store.read(layout.metrics(run_id))))


def _compare(
    store: Store,
    evaluation: str,
    champion: str,
    others: Sequence[str],
    settings: EvaluateSettings,
) -> AgainstChampion:
    """Compare with the champion's newest evaluation on the same test, if any."""
    own = read_predictions(store.read(layout.predictions(evaluation)))
    found = AgainstChampion(
        champion=champion,
        why_not=f"{champion} has no evaluation with predictions under this root",
    )
    for other in others:
        if _read_metrics(store, other) is None:
            continue
        theirs = read_predictions(store.read(layout.predictions(other)))
        found = compare_on_test(own, theirs, name=champion, settings=settings)
        if found.difference is not None:
            break
    return found
