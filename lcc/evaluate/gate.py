"""The gate before alias `champion`: what a model must have shown, all of it at once.

Knows documents of an evaluation and a comparison; not where they lie, nor the registry.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lcc.config.commands import command_line
from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.bootstrap import Estimate
from lcc.evaluate.cards import calibration_error, interval_in_words, unseen_in_words
from lcc.evaluate.predictions import Part, Predictions
from lcc.evaluate.units import compare_images

MAX_NAMED = 3  # of questions without an answer, in a reason
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCheck:
    """One condition of the gate, and whether it holds.

    Attributes:
        name: What was asked.
        is_passed: Whether it holds.
        detail: What was found, in words.
        remedy: What to do where it does not hold.
    """

    name: str
    is_passed: bool
    detail: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return what was asked, found and is to be done, as a message."""
        return f"{self.name}: {self.detail}. {self.remedy}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstChampion:
    """The model beside the present champion.

    Attributes:
        champion: Train run of the champion.
        difference: By how much the model's macro F1 exceeds the champion's, drawn
            together on the same test; none where they were judged on different ones.
        num_groups: Groups of that test.
        why_not: Why they cannot be compared, where they cannot.
    """

    champion: str
    difference: Estimate | None = None
    num_groups: int = 0
    why_not: str = ""


def compare_on_test(
    own: Predictions,
    champion: Predictions,
    *,
    name: str,
    settings: EvaluateSettings,
) -> AgainstChampion:
    """Compare two models on the sealed test, drawn together; refuse different tests.

    Args:
        own: Predictions of the model, of all parts.
        champion: Those of the champion.
        name: Train run of the champion.
        settings: Resamples of groups, mass of each interval, seed.
    """
    one, other = (_by_path(found.part(Part.TEST)) for found in (own, champion))
    if not _is_same_test(one, other):
        why = (
            f"{name} was judged on another test ({len(other)} images, "
            f"{_num_shared(one, other)} of them among these {len(one)})"
        )
        return AgainstChampion(champion=name, why_not=why)
    return AgainstChampion(
        champion=name,
        difference=compare_images(one, other, settings),
        num_groups=len(np.unique(one.groups)),
    )


def compare_with_baselines(
    own: Predictions, others: Mapping[str, Predictions], *, settings: EvaluateSettings
) -> dict[str, Estimate]:
    """Return by how much the saved weights exceed each baseline on the sealed test.

    Folds tell of the recipe; what is promoted are these weights.

    Args:
        own: Predictions of the model, of all parts.
        others: Those of baselines by name, of all parts; one without a test is left
            out.
        settings: Resamples of groups, mass of each interval, seed.
    """
    one = _by_path(own.part(Part.TEST))
    found = {}
    for name, other in others.items():
        two = _by_path(other.part(Part.TEST))
        if _is_same_test(one, two):
            found[name] = compare_images(one, two, settings)
    return found


def _by_path(predictions: Predictions) -> Predictions:
    return Predictions(table=predictions.table.sort_by("path"))


def _is_same_test(one: Predictions, other: Predictions) -> bool:
    return one.class_names == other.class_names and all(
        one.table[name].equals(other.table[name]) for name in ("path", "label", "group")
    )


def _num_shared(one: Predictions, other: Predictions) -> int:
    return len(set(_paths(one)) & set(_paths(other)))


def _paths(predictions: Predictions) -> list[str]:
    return list(predictions.table["path"].to_pylist())


def check_gate(
    metrics: Document,
    splits: Document,
    *,
    on_test: Mapping[str, Estimate],
    unanswered: Sequence[str],
    champion: AgainstChampion | None,
    settings: EvaluateSettings,
) -> tuple[GateCheck, ...]:
    """Return every condition of the gate, with what was found.

    Args:
        metrics: `metrics.json` of the evaluation.
        splits: `splits.json` of its catalogue.
        on_test: By how much the saved weights exceed each baseline on the test.
        unanswered: Questions of the cards that have no answer.
        champion: The comparison with the present champion; none: there is none.
        settings: Limits.
    """
    return (
        _above_baselines(metrics),
        _not_below_baselines(on_test, margin=settings.margin),
        _not_below_champion(champion, margin=settings.margin),
        _calibrated(metrics, limit=settings.max_calibration_error),
        _split_holds(splits),
        _siblings_seen(splits, limit=settings.max_unseen_siblings),
        _cards_complete(unanswered),
    )


def _above_baselines(metrics: Document) -> GateCheck:
    name = "better than every baseline"
    found = dict(_differences(metrics))
    if not found:
        return GateCheck(
            name=name,
            is_passed=False,
            detail="must have an interval above 0, got no baselines",
            remedy="Evaluate with evaluate.baselines=true.",
        )
    best = min(found, key=lambda row: found[row]["value"])
    shown = interval_in_words(found[best], sign="+")
    return GateCheck(
        name=name,
        is_passed=all(own["lower"] > 0 for own in found.values()),
        detail=f"macro F1 must be above with its interval, got {shown} over {best}",
        remedy="It has not shown to have learnt more: more groups, or another recipe.",
    )


def _not_below_baselines(
    on_test: Mapping[str, Estimate], *, margin: float
) -> GateCheck:
    """Refuse weights that are below a baseline on the test, by the figure itself.

    A small test cannot show that they are above: that is told of the recipe, by all
    folds.
    """
    name = "saved weights hold up"
    if not on_test:
        return GateCheck(
            name=name,
            is_passed=False,
            detail="must be held against baselines on the test, got none",
            remedy="Evaluate with evaluate.baselines=true.",
        )
    worst = min(on_test, key=lambda own: on_test[own].value)
    return GateCheck(
        name=name,
        is_passed=on_test[worst].value >= -margin,
        detail=(
            f"macro F1 on the test must be at most {margin:g} below, got "
            f"{_shown(on_test[worst])} over {worst}"
        ),
        remedy="The recipe did better over folds than these weights: train again.",
    )


def _shown(found: Estimate) -> str:
    return interval_in_words(asdict(found), sign="+")


def _differences(metrics: Document) -> Iterator[tuple[str, Document]]:
    for row in metrics["compared"][1:]:
        if row["is_valid"] and row["judged_model_above"]:
            yield row["name"], row["judged_model_above"]


def _not_below_champion(found: AgainstChampion | None, *, margin: float) -> GateCheck:
    name = "not worse than the champion"
    if found is None:
        return GateCheck(name=name, is_passed=True, detail="there is no champion yet")
    if (difference := found.difference) is None:
        return GateCheck(
            name=name,
            is_passed=False,
            detail=f"must be judged on the same test, got none: {found.why_not}",
            remedy="Evaluate both on one catalogue.",
        )
    return GateCheck(
        name=name,
        is_passed=difference.lower >= -margin,
        detail=(
            f"macro F1 must be at most {margin:g} below with its interval, got "
            f"{_shown(difference)} against {found.champion} on {found.num_groups} "
            "groups"
        ),
        remedy="A larger test tells more; evaluate.margin is what is borne.",
    )


def _calibrated(metrics: Document, *, limit: float) -> GateCheck:
    """Judge the error itself, its bias taken off.

    Of a test of few groups the upper end of the interval says how small the test is.
    """
    error = calibration_error(metrics)
    return GateCheck(
        name="calibrated",
        is_passed=error is not None and error["value"] <= limit,
        detail=(
            f"calibration error must be at most {limit:g}, got "
            f"{interval_in_words(error)}"
        ),
        remedy="Calibration needs validation groups: see the report.",
    )


def _split_holds(splits: Document) -> GateCheck:
    checks = splits.get("checks", ())
    failed = [check["name"] for check in checks if not check["is_passed"]]
    shown = f"{len(failed)} that does not: {', '.join(failed)}" if failed else "all"
    return GateCheck(
        name="split proven",
        is_passed=bool(checks) and not failed,
        detail=(
            f"each of {len(checks)} checks of the split must hold, got "
            f"{shown if checks else 'no checks'}"
        ),
        remedy="Prepare again.",
    )


def _siblings_seen(splits: Document, *, limit: float) -> GateCheck:
    found = splits.get("unseen_siblings") or {}
    is_known = bool(found.get("planted"))
    return GateCheck(
        name="leaks bounded",
        is_passed=is_known and found["upper_bound"] <= limit,
        detail=(
            f"siblings that go unseen must be at most {limit:.1%}, got "
            f"{unseen_in_words(splits)}"
        ),
        remedy="Plant more copies (data.families.num_planted) and prepare again.",
    )


def _cards_complete(unanswered: Sequence[str]) -> GateCheck:
    shown = ", ".join(unanswered[:MAX_NAMED])
    more = len(unanswered) - MAX_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return GateCheck(
        name="cards complete",
        is_passed=not unanswered,
        detail=(
            "every question must have an answer, got "
            + (
                f"{len(unanswered)} without: {shown}{rest}"
                if unanswered
                else "them all"
            )
        ),
        remedy=f"Begin with {command_line('promote', '--empty-card')} > card.yaml, "
        "answer them there, and add --set evaluate.card=card.yaml",
    )
