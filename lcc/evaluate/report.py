"""One HTML file that holds everything: it opens anywhere, without a network."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lcc.evaluate.by_axis import ValueFigures
from lcc.evaluate.metrics import Estimate, Judgement

TEMPLATE = "report.html.j2"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedModel:
    """One compared model.

    Attributes:
        name: What it is.
        estimate: Macro F1 on the test split.
        by_group: Macro F1 over folds by group, none where not measured.
        at_random: Macro F1 over random folds: not a valid result.
        is_valid: Whether the estimate is a valid result.
    """

    name: str
    estimate: Estimate
    by_group: float | None = None
    at_random: float | None = None
    is_valid: bool = True

    @property
    def label(self) -> str:
        """Name, marked where the score is not a valid result."""
        return self.name if self.is_valid else f"{self.name} (INVALID)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that the report shows, already computed.

    Attributes:
        title: Run and data set.
        judgement: Of the model on the sealed test split.
        class_names: Order of the classes.
        confidence: Mass of the intervals, 0–1.
        num_families: Families in the test split.
        verdict: One sentence about the baselines.
        is_better: Whether the model passes them.
        rows: Model, baselines, leak premium.
        plots: PNG by title, in order.
        search: Facts about the search, empty without one.
        counts: Images by split and class.
        statuses: Images by status.
        checks: What the validation of the split checked: name, passed, detail.
        split_notes: Sentences on how the split was made.
        never_split: What no split divides: family, and axes such as patient.
        by_axis: Figures on each site, scanner …, by axis.
        lineage: Digests, versions, seeds.
        alarms: Sentences from prepare.
    """

    title: str
    judgement: Judgement
    class_names: Sequence[str]
    confidence: float
    num_families: int
    verdict: str
    is_better: bool
    rows: Sequence[ComparedModel]
    plots: Mapping[str, bytes]
    search: Mapping[str, object] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    checks: Sequence[Mapping[str, object]] = ()
    split_notes: Sequence[str] = ()
    never_split: Sequence[str] = ()
    by_axis: Mapping[str, Sequence[ValueFigures]] = field(default_factory=dict)
    lineage: Mapping[str, object] = field(default_factory=dict)
    alarms: Sequence[str] = ()


def render_report(report: Report) -> str:
    """Return the report as one HTML document, pictures included."""
    return render_page(TEMPLATE, plots=report.plots, report=report)


def render_page(template: str, *, plots: Mapping[str, bytes], **values: object) -> str:
    """Return a template of this room as one HTML document.

    Args:
        template: Its name.
        plots: PNG by title; the template gets them as URIs that hold the picture.
        values: What else it shows.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lcc.evaluate", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: (
        f"{value:.3f}" if math.isfinite(value) else "–"
    )
    uris = {name: _data_uri(content) for name, content in plots.items()}
    return environment.get_template(template).render(plots=uris, **values)


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
