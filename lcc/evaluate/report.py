"""All that the report of an evaluation shows, already computed, and its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from lcc.evaluate.bootstrap import Estimate
from lcc.evaluate.by_axis import ValueFigures
from lcc.evaluate.calibration import Calibration, Reliability
from lcc.evaluate.cards import Card, CardSources
from lcc.evaluate.explain import Explained, Faithfulness
from lcc.evaluate.label_page import LabelReview
from lcc.evaluate.metrics import Judgement
from lcc.evaluate.page import render_page
from lcc.evaluate.predictions import Predictions
from lcc.evaluate.robustness import Robustness
from lcc.evaluate.selective import Abstention
from lcc.evaluate.strangers import Novelty, NoveltyEvidence

TEMPLATE = "report.html.j2"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedModel:
    """One compared model.

    Attributes:
        name: What it is.
        estimate: Macro F1 on the test split.
        out_of_fold: Macro F1 of all development images, each by a model that did not
            see its group; none where not measured.
        at_random: The same over random folds: not a valid result.
        difference: By how much the judged model's macro F1 exceeds this one's, on the
            same draws; out of fold where both have that, else on the test.
        is_valid: Whether the estimate is a valid result.
    """

    name: str
    estimate: Estimate
    out_of_fold: Estimate | None = None
    at_random: Estimate | None = None
    difference: Estimate | None = None
    is_valid: bool = True

    @property
    def label(self) -> str:
        """Name, marked where the score is not a valid result."""
        return self.name if self.is_valid else f"{self.name} (INVALID)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What documents say of data set, split and search.

    Attributes:
        search: Facts about the search, empty without one.
        counts: Images by split and class.
        statuses: Images by status.
        checks: What the validation of the split checked: name, passed, detail.
        split_notes: Sentences on how the split was made.
        never_split: What no split divides: family, and axes such as patient.
        alarms: Sentences from prepare.
    """

    search: Mapping[str, object]
    counts: Mapping[str, Mapping[str, int]]
    statuses: Mapping[str, int]
    checks: Sequence[Mapping[str, object]]
    split_notes: Sequence[str]
    never_split: Sequence[str]
    alarms: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that the report shows, already computed.

    Attributes:
        title: Run and data set.
        judgement: Of the model on the sealed test split, image by image.
        units: The same for images, families, groups, patients.
        class_names: Order of the classes.
        confidence: Mass of the intervals, 0–1.
        num_families: Families in the test split.
        verdict: One sentence about the baselines.
        is_better: Whether the model passes them.
        forecast: One sentence on how more groups would narrow the interval.
        rows: Model, baselines, leak premium.
        others: Predictions of what it is compared with, by name.
        predictions: Of the judged model, calibrated, with decisions.
        calibration: How its probabilities were scaled.
        reliability: Whether it is right as often as it says, before and after.
        abstention: When it had better not answer, none where that was not to choose.
        explained: What the model looked at, none where not asked for.
        faithfulness: Whether these maps show what it goes by.
        changed: What it said of changed images, none where not asked for.
        robustness: What it scores on them.
        novelty: How images unlike the training images are told; none where not asked
            for.
        known: What that is computed from.
        plots: PNG by title, in order.
        data: What is known of data set, split and search.
        by_axis: Figures on each site, scanner …, by axis.
        labels: Families whose labels deserve a look.
        lineage: Digests, versions, seeds.
        cards: Where facts of the cards come from.
    """

    title: str
    judgement: Judgement
    units: Mapping[str, Judgement]
    class_names: Sequence[str]
    confidence: float
    num_families: int
    verdict: str
    is_better: bool
    forecast: str
    rows: Sequence[ComparedModel]
    others: Mapping[str, Predictions]
    predictions: Predictions
    calibration: Calibration
    reliability: Mapping[str, Reliability]
    abstention: Abstention | None
    plots: Mapping[str, bytes]
    explained: Explained | None = None
    faithfulness: Faithfulness | None = None
    changed: pa.Table | None = None
    robustness: Robustness | None = None
    novelty: Novelty | None = None
    known: NoveltyEvidence | None = None
    data: DataFacts
    labels: LabelReview
    by_axis: Mapping[str, Sequence[ValueFigures]] = field(default_factory=dict)
    lineage: Mapping[str, object] = field(default_factory=dict)
    cards: CardSources = field(default_factory=CardSources)


def render_report(report: Report, cards: Sequence[Card] = ()) -> str:
    """Return the report as one HTML document, pictures and cards included."""
    return render_page(TEMPLATE, plots=report.plots, report=report, cards=cards)
