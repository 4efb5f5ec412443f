"""Families whose labels deserve a second look: their kinds, their table, their counts.

Images of one family are copies of one source: its wrong label is one error, however
many copies there are. So families are counted, and files beside them. Knows no models
and draws nothing.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lcc.data.catalogue import Catalogue
from lcc.evaluate.bootstrap import Estimate

NOT_ASKED = (
    "Models were not asked: it takes predictions of images that a model had not seen, "
    "which a search leaves. Run the pipeline with search.grid, or set "
    "evaluate.search_run to a search of this catalogue."
)
COLUMNS = ("path", "label", "suggested", "score", "kind", "family", "group", "why")


class IssueKind(StrEnum):
    """Why a family deserves a look; the surest reason first."""

    TWO_LABELS = "two labels"  # its images do not all have the same
    LABEL = "label"  # models that had not seen it are confident of another class
    MISSED = "missed"  # to them another class is likelier, but they are less sure
    OUTLIER = "outlier"  # to such models no class is likelier than all others together


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssue:
    """One family whose label deserves a look.

    Attributes:
        kind: Why.
        family: Its number.
        group: Its group's number.
        suggested: The likelier label; of an outlier, the likeliest of all; empty where
            nothing speaks for one.
        scores: How far each label of its images is supported, 0 (not at all) to 1.
            `two labels`: share of the family's images that have it; `label`, `missed`:
            what the models give it; `outlier`: what they give the likeliest class.
        said: Mean probability of each class, the likeliest first; none where models
            were not asked.
        why: In words.
        rows: Rows of the catalogue, of all its readable files.
    """

    kind: IssueKind
    family: int
    group: int
    suggested: str
    scores: Mapping[str, float]
    said: Mapping[str, float]
    why: str
    rows: tuple[int, ...]

    @property
    def score(self) -> float:
        """Support of the label that has least, 0 to 1."""
        return min(self.scores.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssues:
    """All families whose labels deserve a look.

    Attributes:
        issues: By kind, then the least supported label first.
        num_families: Families that models were asked about; 0 without predictions out
            of fold.
        num_groups: Their groups.
        num_missed: Families of another label than the models' likeliest class.
        doubted: Share of the families asked about that are issues of kind `label`; none
            where models were asked about none.
    """

    issues: Sequence[LabelIssue]
    num_families: int
    num_groups: int
    num_missed: int
    doubted: Estimate | None

    @property
    def families(self) -> dict[IssueKind, int]:
        """Families of each kind."""
        return {kind: len(self.of_kind(kind)) for kind in IssueKind}

    @property
    def images(self) -> dict[IssueKind, int]:
        """Files of these families."""
        return {
            kind: sum(len(own.rows) for own in self.of_kind(kind)) for kind in IssueKind
        }

    @property
    def summary(self) -> str:
        """What was found, in one line."""
        two, doubted, missed, outliers = self.families.values()
        found = f"{two} under two labels"
        if not self.num_families:
            return f"{found}; models were not asked"
        return (
            f"{found}; of {self.num_families} that models had not seen {doubted} "
            f"doubted, {missed} missed and {outliers} like no class"
        )

    @property
    def reading(self) -> str:
        """What that means, or how models are asked."""
        share = self.doubted
        if share is None:
            return NOT_ASKED
        return (
            f"The models of the search were asked about {self.num_families} families "
            f"({self.num_groups} groups) that they had not seen. For {self.num_missed} "
            "another class than the label is the likeliest. Doubted are "
            f"{self.families[IssueKind.LABEL]}, {share.value:.3f} of all "
            f"({share.lower:.3f}–{share.upper:.3f}): the models are at least as sure "
            "of another class as they are, on average, of families labelled so, and it "
            "is likelier than all others together. Wrong "
            "labels are among them, and right ones that the models cannot tell: look."
        )

    def of_kind(self, kind: IssueKind) -> list[LabelIssue]:
        """Return the issues of one kind."""
        return [own for own in self.issues if own.kind is kind]

    def document(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        return {
            "num_families": self.num_families,
            "num_groups": self.num_groups,
            "num_missed": self.num_missed,
            "doubted_share": self.doubted and asdict(self.doubted),
            "families": {str(kind): count for kind, count in self.families.items()},
            "images": {str(kind): count for kind, count in self.images.items()},
        }

    def metrics(self) -> dict[str, float]:
        """Return the counts as metrics."""
        found = {
            "labels/flagged_families": float(len(self.issues)),
            "labels/flagged_images": float(sum(self.images.values())),
        }
        if (share := self.doubted) is not None:
            name = "labels/doubted_share"
            found |= {name: share.value, f"{name}_lower": share.lower}
            found[f"{name}_upper"] = share.upper
        return found

    def csv(self, catalogue: Catalogue) -> bytes:
        """Return the issues as CSV, a row for each file of their families."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        labels = catalogue.table["label"].to_pylist()
        for own in self.issues:
            rows = sorted(own.rows, key=lambda row: own.scores[labels[row]])
            writer.writerows(
                [
                    catalogue.paths[row],
                    labels[row],
                    own.suggested,
                    round(own.scores[labels[row]], 4),
                    own.kind,
                    own.family,
                    own.group,
                    own.why,
                ]
                for row in rows
            )
        return text.getvalue().encode()
