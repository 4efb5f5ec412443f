"""From predictions to a report: judged, compared, drawn; reads and trains nothing.

Knows predictions, what they are compared with, and what documents say of the data set.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import Catalogue
from lcc.data.tiles import Tiles
from lcc.evaluate.bootstrap import Estimate, groups_needed
from lcc.evaluate.by_axis import judge_by_axis
from lcc.evaluate.calibration import (
    Calibration,
    Reliability,
    calibrate,
    measure_reliability,
)
from lcc.evaluate.cards import CardSources
from lcc.evaluate.explain import Explained, judge_maps, worst_mistakes
from lcc.evaluate.label_doubts import ask_families, find_issues
from lcc.evaluate.label_page import LabelReview, review_labels
from lcc.evaluate.metrics import Judgement
from lcc.evaluate.novelty import Threshold
from lcc.evaluate.plots import (
    Mistake,
    plot_comparison,
    plot_confusion,
    plot_curves,
    plot_mistakes,
    plot_reliability,
    plot_risk,
    plot_roc,
)
from lcc.evaluate.predictions import Part, Predictions, check_numbers
from lcc.evaluate.report import ComparedModel, DataFacts, Report
from lcc.evaluate.robustness import draw_robustness, judge_robustness
from lcc.evaluate.selective import (
    ANSWER_ALL,
    Abstention,
    abstain,
    decide,
    risk_by_coverage,
)
from lcc.evaluate.strangers import (
    Novelty,
    NoveltyEvidence,
    draw_novelty,
    judge_novelty,
    show_strangers,
)
from lcc.evaluate.units import compare_images, judge_units, score_images
from lcc.search.select import describe_folds

PREMIUM = "same recipe on a random split"
HALF_WIDTH = 0.02  # of an interval that people ask for
BEFORE, AFTER = "as the network says", "calibrated"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the judge is given.

    Attributes:
        catalogue: The data set.
        tiles: Its packed tiles, for pictures; none where they are gone.
        settings: What to measure.
        predictions: Of the model that is judged: test, and validation or out-of-fold
            parts where there are.
        others: Predictions of what it is compared with, by name.
        history: Columns of the training's CSV.
        card: Facts of the model, `model.json`.
        search: Facts of the search, empty without one.
        documents: `splits.json` and `audit.json` of the catalogue.
        explained: What the model looked at; none where not asked for.
        changed: What it said of changed images; none where not asked for.
        novelty: What it has seen in training images, and says of planted strangers;
            none where not asked for.
        lineage: Digests, versions, seeds.
        cards: Where facts of the cards come from.
    """

    catalogue: Catalogue
    tiles: Tiles | None
    settings: EvaluateSettings
    predictions: Predictions
    others: Mapping[str, Predictions] = field(default_factory=dict)
    history: Mapping[str, list[float]]
    card: Mapping[str, Any]
    search: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)
    explained: Explained | None = None
    changed: pa.Table | None = None
    novelty: NoveltyEvidence | None = None
    lineage: Mapping[str, object] = field(default_factory=dict)
    cards: CardSources = field(default_factory=CardSources)


def build_report(evidence: Evidence, *, title: str) -> Report:
    """Calibrate and judge the model, and everything it is compared with."""
    settings = evidence.settings
    check_numbers(evidence.predictions)
    predictions, calibration = calibrate(evidence.predictions)
    test = predictions.part(Part.TEST)
    abstention = _abstain(predictions, settings)
    predictions = _decide(predictions, abstention, evidence.novelty)
    evidence = replace(evidence, predictions=predictions)
    own = judge_units(test, _whole_axes(evidence), settings)
    rows = _compare(evidence)
    verdict, is_better = _verdict(rows)
    reliability = _measure_reliability(test, settings)
    explained, changed = evidence.explained, evidence.changed
    robustness = None if changed is None else judge_robustness(changed, test, settings)
    novelty, novelty_plots = _judge_novelty(evidence, calibration, abstention)
    return Report(
        title=title,
        judgement=own["image"],
        units=own,
        class_names=evidence.catalogue.class_names,
        confidence=settings.confidence,
        num_families=len(np.unique(test.families)),
        verdict=verdict,
        is_better=is_better,
        forecast=forecast_interval(own["image"]),
        rows=rows,
        others=evidence.others,
        predictions=predictions,
        calibration=calibration,
        reliability=reliability,
        abstention=abstention,
        explained=explained,
        faithfulness=judge_maps(explained.table, settings) if explained else None,
        changed=changed,
        robustness=robustness,
        novelty=novelty,
        known=evidence.novelty,
        plots=_draw(evidence, own["image"], rows, reliability)
        | (draw_robustness(robustness) if robustness else {})
        | novelty_plots,
        data=_describe_data(evidence),
        by_axis=judge_by_axis(test, settings=settings),
        labels=_review_labels(evidence),
        lineage=evidence.lineage,
        cards=evidence.cards,
    )


def _whole_axes(evidence: Evidence) -> list[str]:
    """Return the axes, such as the patient, of which the split divides no value."""
    rules = evidence.documents.get("splits", {}).get("rules", {})
    known = evidence.predictions.axes
    return [axis for axis in rules.get("never_split", ()) if axis in known]


def _review_labels(evidence: Evidence) -> LabelReview:
    catalogue, settings = evidence.catalogue, evidence.settings
    audit = evidence.documents.get("audit", {})
    mixed = [own["family"] for own in audit.get("families_of_several_classes", ())]
    asked = ask_families(evidence.predictions.part(Part.OUT_OF_FOLD))
    issues = find_issues(catalogue, asked, mixed=mixed, settings=settings)
    return review_labels(issues, asked, catalogue, evidence.tiles)


def _describe_data(evidence: Evidence) -> DataFacts:
    """Return what documents say of data set, split and search."""
    splits = evidence.documents.get("splits", {})
    rules = splits.get("rules", {})
    alarms = evidence.documents.get("audit", {}).get("alarms", ())
    return DataFacts(
        search=_describe_search(evidence.search, rules or None),
        counts=splits.get("images", {}),
        statuses=dict(Counter(evidence.catalogue.table["status"].to_pylist())),
        checks=splits.get("checks", ()),
        split_notes=splits.get("notes", ()),
        never_split=rules.get("never_split", ()),
        alarms=[alarm["text"] for alarm in alarms],
    )


def _measure_reliability(
    test: Predictions, settings: EvaluateSettings
) -> dict[str, Reliability]:
    return {
        name: measure_reliability(said, test.labels, test.groups, settings=settings)
        for name, said in ((BEFORE, test.raw), (AFTER, test.calibrated))
    }


def _abstain(predictions: Predictions, settings: EvaluateSettings) -> Abstention | None:
    """Return when not to answer, chosen outside the test; None if all lie in it."""
    test = predictions.part(Part.TEST)
    for part in (Part.VALIDATION, Part.OUT_OF_FOLD):
        if len(own := predictions.part(part)):
            return abstain(own, test, part=part, settings=settings)
    return None


def _decide(
    predictions: Predictions,
    abstention: Abstention | None,
    evidence: NoveltyEvidence | None,
) -> Predictions:
    """Return predictions with decisions, by what thresholds there are."""
    threshold = ANSWER_ALL if abstention is None else abstention.threshold
    limit = Threshold() if evidence is None else evidence.known.threshold
    return decide(predictions, threshold, max_novelty=limit.value)


def _judge_novelty(
    evidence: Evidence, calibration: Calibration, abstention: Abstention | None
) -> tuple[Novelty | None, dict[str, bytes]]:
    """Return what novelty tells, and its pictures; none where it was not asked for."""
    own, predictions = evidence.novelty, evidence.predictions
    if own is None:
        return None, {}
    settings, catalogue = evidence.settings, evidence.catalogue
    plots = draw_novelty(own.known, predictions, own.strangers)
    if evidence.tiles is not None:
        plots |= show_strangers(catalogue, evidence.tiles, seed=settings.seed)
    found = judge_novelty(
        own,
        predictions,
        calibration=calibration,
        abstention=abstention,
        settings=settings,
    )
    return found, plots


def forecast_interval(own: Judgement) -> str:
    """Return how the interval of macro F1 would narrow with more groups."""
    score = own.metrics["macro_f1"]
    width = (score.upper - score.lower) / np.sqrt(2)
    needed = groups_needed(score, own.num_groups, half_width=HALF_WIDTH)
    return (
        f"With twice the groups the interval would be about {width:.3f} wide; "
        f"± {HALF_WIDTH} takes about {needed} groups."
    )


def _compare(evidence: Evidence) -> list[ComparedModel]:
    """Return the model and all it is compared with, each judged on the same images."""
    rows = [_compared("this model, split by group", evidence.predictions, evidence)]
    for name, predictions in evidence.others.items():
        row = _compared(name, predictions, evidence)
        if row.is_valid:
            row = replace(row, difference=_difference(predictions, evidence))
        rows.append(row)
    return rows


def _compared(name: str, predictions: Predictions, evidence: Evidence) -> ComparedModel:
    def score(own: Predictions) -> Estimate:
        return score_images(own, evidence.settings)

    def score_if_any(part: Part) -> Estimate | None:
        own = predictions.part(part)
        return score(own) if len(own) else None

    is_valid = len(predictions.part(Part.TEST)) > 0
    part = Part.TEST if is_valid else Part.RANDOM_SPLIT
    return ComparedModel(
        name=name,
        estimate=score(predictions.part(part)),
        out_of_fold=score_if_any(Part.OUT_OF_FOLD),
        at_random=score_if_any(Part.RANDOM_FOLDS),
        is_valid=is_valid,
    )


def _difference(other: Predictions, evidence: Evidence) -> Estimate:
    """Return by how much the model's macro F1 exceeds another's, image by image.

    Over all development images, each by a model that did not see it, where both have
    them: those are more groups than the test has.
    """
    part = _basis(evidence.predictions)
    one, two = evidence.predictions.part(part), other.part(part)
    return compare_images(one, two, evidence.settings)


def _basis(predictions: Predictions) -> Part:
    has_folds = len(predictions.part(Part.OUT_OF_FOLD)) > 0
    return Part.OUT_OF_FOLD if has_folds else Part.TEST


def _verdict(rows: Sequence[ComparedModel]) -> tuple[str, bool]:
    """Return the verdict: is the model better than every baseline, beyond chance?"""
    above = {row.name: row.difference for row in rows if row.difference is not None}
    if not above:
        return "Baselines were not asked for (evaluate.baselines).", True
    best, found = min(above.items(), key=lambda item: item[1].value)
    where = "over all folds" if rows[0].out_of_fold else "on the test"
    text = (
        f"Macro F1 {where} is {abs(found.value):.3f} "
        f"{'above' if found.value >= 0 else 'below'} the best baseline ({best}; drawn "
        f"together {found.lower:+.3f} to {found.upper:+.3f})"
    )
    if found.lower > 0:
        return f"{text}: better than colours and coarse pixels.", True
    return f"{text}: not shown to have learnt anything worth a GPU.", False


def _draw(
    evidence: Evidence,
    own: Judgement,
    rows: Sequence[ComparedModel],
    reliability: Mapping[str, Reliability],
) -> dict[str, bytes]:
    test = evidence.predictions.part(Part.TEST)
    names = test.class_names
    own_first = [rows[0], *sorted(rows[1:], key=lambda row: row.is_valid)]
    bars = [(row.label, row.estimate, row.is_valid) for row in own_first]
    plots = {"Honest and inflated": plot_comparison(bars)} if len(bars) > 1 else {}
    plots["Confusion"] = plot_confusion(own.confusion, names)
    plots["ROC"] = plot_roc(test.labels, test.calibrated, names, own.metrics)
    plots["Reliability"] = plot_reliability(
        {name: (found.said, found.right) for name, found in reliability.items()}
    )
    _, coverage, risk = risk_by_coverage(test.calibrated, test.labels)
    plots["Risk and coverage"] = plot_risk(
        coverage, risk, max_error=evidence.settings.max_error
    )
    if evidence.history:
        best = int(evidence.card["best_epoch"])
        plots["Training"] = plot_curves(evidence.history, best_epoch=best)
    mistakes = find_mistakes(evidence)
    if mistakes:
        plots["Worst mistakes"] = plot_mistakes(mistakes)
    return plots | (dict(evidence.explained.pictures) if evidence.explained else {})


def find_mistakes(evidence: Evidence) -> list[Mistake]:
    """Return the test tiles that the model was most wrong about, worst first.

    None where the tiles are gone.
    """
    if evidence.tiles is None:
        return []
    catalogue, test = evidence.catalogue, evidence.predictions.part(Part.TEST)
    said, labels = test.calibrated, test.labels
    predicted, worst = said.argmax(axis=1), worst_mistakes(test)
    paths, names = test.table["path"].to_pylist(), test.class_names
    records = dict(zip(catalogue.paths, catalogue.records.tolist(), strict=True))
    return [
        Mistake(
            path=paths[row],
            tile=evidence.tiles.take(np.array([records[paths[row]]]))[0],
            actual=names[labels[row]],
            predicted=names[predicted[row]],
            probability=float(said[row].max()),
        )
        for row in worst[: evidence.settings.num_mistakes].tolist()
    ]


def _describe_search(
    search: Mapping[str, Any], rules: Mapping[str, Any] | None
) -> dict[str, object]:
    if not search:
        return {}
    folds = {"folds keep whole": describe_folds(rules)} if rules else {}
    return folds | {
        "best point": json.dumps(search["point"]),
        "macro F1 over folds by group": (
            f"{search['mean']:.3f} ± {search['standard_error']:.3f} (standard error, "
            f"{search['num_folds']} folds)"
        ),
        "highest mean of all points": f"{search['top_mean']:.3f}",
        "failed trials": search["num_failed"],
        "nested": "no: point and epoch were chosen on the same folds",
    }


def read_history(content: bytes) -> dict[str, list[float]]:
    """Return the columns of Keras' CSVLogger; what is not a number is left out."""
    columns: dict[str, list[float]] = {}
    for row in csv.DictReader(io.StringIO(content.decode())):
        for name, text in row.items():
            if text and text != "NA":
                columns.setdefault(name, []).append(float(text))
    return columns
