"""Judge a model on another data set, beside its sealed test: the ladder. Pure.

Knows predictions and what was measured of both sets; reads and trains nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from lcc.config.evaluate import EvaluateSettings
from lcc.errors import DataError
from lcc.evaluate.bootstrap import Estimate, Floats, draw_groups, estimate
from lcc.evaluate.by_axis import ValueFigures, judge_by_axis
from lcc.evaluate.calibration import (
    Calibration,
    Reliability,
    calibrate,
    measure_reliability,
)
from lcc.evaluate.judging import AFTER, BEFORE, PREMIUM, forecast_interval
from lcc.evaluate.metrics import Judgement, decisions_of
from lcc.evaluate.novelty import KnownTissue, Threshold
from lcc.evaluate.page import render_page
from lcc.evaluate.plots import (
    plot_comparison,
    plot_confusion,
    plot_reliability,
    plot_risk,
    plot_roc,
    plot_sets,
    plot_shift,
)
from lcc.evaluate.predictions import Part, Predictions
from lcc.evaluate.selective import (
    ANSWER_ALL,
    Abstention,
    abstain,
    decide,
    risk_by_coverage,
)
from lcc.evaluate.shift import SETS, Shift
from lcc.evaluate.strangers import draw_novelty, share_unfamiliar
from lcc.evaluate.units import judge_images, judge_units
from lcc.images.decode import Image8

TEMPLATE = "outside.html.j2"
LADDER = "From the random split to the other data set"
MIN_GROUPS = 2  # of one, an interval over groups says nothing


@dataclass(frozen=True, kw_only=True)
class OutsideEvidence:
    """What the judge is given.

    Attributes:
        settings: What to measure.
        predictions: Of the model: the parts of its sealed evaluation, not calibrated
            anew, and `outside`.
        others: Predictions of what the sealed evaluation compared it with, by name.
        units: Axes of the other set whose values are units, such as the patient.
        left_out: Images left out since they show tissue of the training catalogue.
        class_map: Their name → the model's.
        shift: How far the sets look from each other; none where tiles are gone.
        examples: Tiles of each set, in the order of `SETS`.
        notes: Sentences on how the other set was prepared.
        namesakes: Sentences on names, of patients say, that both sets have.
        known: What novelty is measured from; none where that was not asked for.
        lineage: Digests, versions, seeds.
    """

    settings: EvaluateSettings
    predictions: Predictions
    others: Mapping[str, Predictions] = field(default_factory=dict)
    units: Sequence[str] = ()
    left_out: int = 0
    class_map: Mapping[str, str] = field(default_factory=dict)
    shift: Shift | None = None
    examples: Sequence[Image8] = ()
    notes: Sequence[str] = ()
    namesakes: Sequence[str] = ()
    known: KnownTissue | None = None
    lineage: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of the ladder.

    Attributes:
        name: On which images the model is judged.
        estimate: Macro F1.
        num_images: Images.
        num_groups: Groups they come from.
        is_valid: Whether it is a result.
    """

    name: str
    estimate: Estimate
    num_images: int
    num_groups: int
    is_valid: bool = True


@dataclass(frozen=True, kw_only=True)
class OutsideReport:
    """All that the report on another data set shows, already computed.

    Attributes:
        title: Model and data set.
        judgement: Of the other set, image by image.
        units: The same for families, groups, patients.
        ladder: From the least to the most telling.
        below_sealed: By how much macro F1 lies below that of the sealed test.
        verdict: That in one sentence.
        forecast: One sentence on how more groups would narrow the interval.
        predictions: Calibrated, with decisions: sealed parts and `outside`.
        calibration: How the model's probabilities are scaled, there as here.
        reliability: Whether it is right as often as it says, by set.
        abstention: When it had better not answer, as chosen before, and what that does
            here; none where that was not to choose.
        unfamiliar: Share of images that are not tissue that the model knows: here, and
            of the sealed test; none where no threshold was set.
        by_axis: Figures on each site, scanner …, by axis.
        absent: Classes of the model of which the other set has no image.
        evidence: What all is computed from.
        plots: PNG by title, in order.
    """

    title: str
    judgement: Judgement
    units: Mapping[str, Judgement]
    ladder: Sequence[Rung]
    below_sealed: Estimate
    verdict: str
    forecast: str
    predictions: Predictions
    calibration: Calibration
    reliability: Mapping[str, Reliability]
    abstention: Abstention | None
    unfamiliar: tuple[Estimate, Estimate] | None
    by_axis: Mapping[str, Sequence[ValueFigures]]
    absent: Sequence[str]
    evidence: OutsideEvidence
    plots: Mapping[str, bytes]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of the model."""
        return self.predictions.class_names


def judge_outside(evidence: OutsideEvidence, *, title: str) -> OutsideReport:
    """Judge a model on another data set.

    Its probabilities are scaled by the temperature that its own validation images
    gave, and it answers above the threshold that they gave: nothing is fitted to the
    other set.

    Raises:
        DataError: No image is left, or all are of one group.
    """
    settings = evidence.settings
    _check(evidence)
    predictions, calibration = calibrate(evidence.predictions)
    outside, test = predictions.part(Part.OUTSIDE), predictions.part(Part.TEST)
    abstention = _abstain(predictions, settings)
    predictions = decide(
        predictions,
        ANSWER_ALL if abstention is None else abstention.threshold,
        max_novelty=_limit(evidence.known),
    )
    units = judge_units(outside, evidence.units, settings)
    below = _below(test, outside, settings)
    reliability = {
        f"{part}, {name}": measure_reliability(
            said, own.labels, own.groups, settings=settings
        )
        for part, own in (("sealed test", test), ("outside", outside))
        for name, said in ((BEFORE, own.raw), (AFTER, own.calibrated))
    }
    ladder = _ladder(predictions, evidence)
    present = set(outside.table["label"].to_pylist())
    return OutsideReport(
        title=title,
        judgement=units["image"],
        units=units,
        ladder=ladder,
        below_sealed=below,
        verdict=_verdict(ladder, below),
        forecast=forecast_interval(units["image"]),
        predictions=predictions,
        calibration=calibration,
        reliability=reliability,
        abstention=abstention,
        unfamiliar=_unfamiliar(predictions, evidence.known, settings),
        by_axis=judge_by_axis(outside, settings=settings),
        absent=[name for name in outside.class_names if name not in present],
        evidence=evidence,
        plots=_draw(outside, units["image"], ladder, reliability, evidence)
        | _draw_novelty(evidence.known, predictions),
    )


def _check(evidence: OutsideEvidence) -> None:
    outside = evidence.predictions.part(Part.OUTSIDE)
    reason = f" ({evidence.left_out} left out)" if evidence.left_out else ""
    if not len(outside):
        message = (
            "evaluate.data: must have images that show no tissue of the training "
            f"catalogue, got none{reason}. Take another data set."
        )
        raise DataError(message)
    num_groups = len(np.unique(outside.groups))
    if num_groups < MIN_GROUPS:
        message = (
            f"evaluate.data: must have images of at least {MIN_GROUPS} groups, got "
            f"{len(outside)} images of {num_groups}{reason}: no interval can be told. "
            "Add images of other sources."
        )
        raise DataError(message)


def _abstain(predictions: Predictions, settings: EvaluateSettings) -> Abstention | None:
    outside = predictions.part(Part.OUTSIDE)
    for part in (Part.VALIDATION, Part.OUT_OF_FOLD):
        if len(own := predictions.part(part)):
            return abstain(own, outside, part=part, settings=settings)
    return None


def _limit(known: KnownTissue | None) -> float:
    return (Threshold() if known is None else known.threshold).value


def _unfamiliar(
    predictions: Predictions, known: KnownTissue | None, settings: EvaluateSettings
) -> tuple[Estimate, Estimate] | None:
    if known is None or not known.threshold.is_set:
        return None
    outside, test = (predictions.part(part) for part in (Part.OUTSIDE, Part.TEST))
    return share_unfamiliar(outside, settings), share_unfamiliar(test, settings)


def _macro_f1(predictions: Predictions, settings: EvaluateSettings) -> Floats:
    """Return macro F1 of the data, and of every resample, (1 + b,)."""
    names = predictions.class_names
    figures = decisions_of(predictions.labels, predictions.calibrated, names)
    draws = draw_groups(predictions.groups, predictions.labels, settings)
    return draws.evaluate(lambda weights: {"f1": figures(weights)["macro_f1"]})["f1"]


def _below(
    test: Predictions, outside: Predictions, settings: EvaluateSettings
) -> Estimate:
    """Return by how much macro F1 outside is below that of the sealed test.

    No group is in both sets: each is drawn by itself.
    """
    again = settings.model_copy(update={"seed": (settings.seed + 1) % 2**32})
    lost = _macro_f1(test, settings) - _macro_f1(outside, again)
    return estimate(lost, settings.confidence)


def _ladder(predictions: Predictions, evidence: OutsideEvidence) -> list[Rung]:
    """Return the steps from a random split to the other data set."""
    rungs = []
    if PREMIUM in evidence.others:
        own = evidence.others[PREMIUM].part(Part.RANDOM_SPLIT)
        rungs.append(_rung(PREMIUM, own, evidence.settings, is_valid=False))
    names = {
        Part.OUT_OF_FOLD: "all folds by group",
        Part.TEST: "sealed test, split by group",
        Part.OUTSIDE: "another data set",
    }
    return rungs + [
        _rung(name, own, evidence.settings)
        for part, name in names.items()
        if len(own := predictions.part(part))
    ]


def _rung(
    name: str,
    predictions: Predictions,
    settings: EvaluateSettings,
    *,
    is_valid: bool = True,
) -> Rung:
    judged = judge_images(predictions, settings)
    return Rung(
        name=name,
        estimate=judged.metrics["macro_f1"],
        num_images=judged.num_images,
        num_groups=judged.num_groups,
        is_valid=is_valid,
    )


def _verdict(ladder: Sequence[Rung], below: Estimate) -> str:
    own = ladder[-1].estimate
    text = (
        f"Macro F1 on another data set is {own.value:.3f} ({own.lower:.3f}–"
        f"{own.upper:.3f}), {abs(below.value):.3f} "
        f"{'below' if below.value >= 0 else 'above'} the sealed test (drawn apart "
        f"{-below.upper:+.3f} to {-below.lower:+.3f})"
    )
    if below.lower > 0:
        return f"{text}: the model loses there."
    return f"{text}: not shown to lose there."


def _draw(
    outside: Predictions,
    own: Judgement,
    ladder: Sequence[Rung],
    reliability: Mapping[str, Reliability],
    evidence: OutsideEvidence,
) -> dict[str, bytes]:
    names = outside.class_names
    bars = [
        (
            rung.name + ("" if rung.is_valid else " (INVALID)"),
            rung.estimate,
            rung.is_valid,
        )
        for rung in ladder
    ]
    plots = {LADDER: plot_comparison(bars, num_own=len(bars))}
    if evidence.shift is not None:
        plots["Tiles of both sets"] = plot_sets(
            dict(zip(SETS, evidence.examples, strict=True))
        )
        plots["Colour and sharpness"] = plot_shift(evidence.shift.values, SETS)
    plots["Confusion"] = plot_confusion(own.confusion, names)
    plots["ROC"] = plot_roc(outside.labels, outside.calibrated, names, own.metrics)
    plots["Reliability"] = plot_reliability(
        {
            name: (found.said, found.right)
            for name, found in reliability.items()
            if AFTER in name
        }
    )
    _, coverage, risk = risk_by_coverage(outside.calibrated, outside.labels)
    plots["Risk and coverage"] = plot_risk(
        coverage, risk, max_error=evidence.settings.max_error
    )
    return plots


def _draw_novelty(
    known: KnownTissue | None, predictions: Predictions
) -> dict[str, bytes]:
    return {} if known is None else draw_novelty(known, predictions)


def outside_document(report: OutsideReport) -> dict[str, Any]:
    """Return every figure of a report as JSON values."""
    evidence = report.evidence
    return report.judgement.document() | {
        "units": {name: own.document() for name, own in report.units.items()},
        "ladder": [asdict(rung) for rung in report.ladder],
        "below_sealed": asdict(report.below_sealed),
        "verdict": report.verdict,
        "forecast": report.forecast,
        "calibration": report.calibration.document()
        | {name: asdict(own) for name, own in report.reliability.items()},
        "abstention": report.abstention and report.abstention.document(),
        "unfamiliar": report.unfamiliar
        and dict(zip(("outside", "test"), map(asdict, report.unfamiliar), strict=True)),
        "by_axis": {
            axis: [figures.document() for figures in found]
            for axis, found in report.by_axis.items()
        },
        "classes": dict(evidence.class_map),
        "absent": list(report.absent),
        "namesakes": list(evidence.namesakes),
        "left_out": evidence.left_out,
        "shift": evidence.shift and evidence.shift.document(),
        "lineage": dict(evidence.lineage),
    }


def outside_metrics(report: OutsideReport) -> dict[str, float]:
    """Return every estimate with its interval, by name."""
    found = {f"outside/{n}": own for n, own in report.judgement.metrics.items()}
    found["outside/below_sealed"] = report.below_sealed
    for unit, judged in report.units.items():
        if unit != "image":
            found[f"outside/by_{unit}/macro_f1"] = judged.metrics["macro_f1"]
    found["outside/calibration_error"] = report.reliability[f"outside, {AFTER}"].error
    if report.abstention is not None:
        found["outside/coverage"] = report.abstention.coverage
        if report.abstention.error is not None:
            found["outside/error_of_answers"] = report.abstention.error
    if report.unfamiliar is not None:
        found["outside/unfamiliar"], _ = report.unfamiliar
    shift = report.evidence.shift
    if shift is not None and shift.told_apart is not None:
        found["outside/told_apart"] = shift.told_apart
    metrics: dict[str, float] = {}
    for name, own in found.items():
        metrics |= {name: own.value, f"{name}_lower": own.lower}
        metrics[f"{name}_upper"] = own.upper
    return metrics


def render_outside(report: OutsideReport) -> str:
    """Return the report as one HTML document, pictures included."""
    return render_page(
        TEMPLATE,
        plots=report.plots,
        report=report,
        evidence=report.evidence,
        first=LADDER,
    )
