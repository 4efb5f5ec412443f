"""A page of pictures of the families whose labels deserve a look, and their CSV.

Knows issues, a catalogue and its packed tiles; finds none itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lcc.data.catalogue import Catalogue
from lcc.data.drawing import shrink, to_uri
from lcc.data.tiles import Tiles
from lcc.evaluate.label_doubts import AskedFamilies
from lcc.evaluate.label_issues import IssueKind, LabelIssue, LabelIssues
from lcc.evaluate.page import render_page

TEMPLATE = "labels.html.j2"
PAGE, LIST = "labels.html", "label_issues.csv"
TILE_PX = 128  # some 4 KB of tissue, 16 KB of noise
MAX_SHOWN = 60  # of each kind
MAX_PICTURES = 4  # of a family
MAX_COMPARED = 48  # of all classes
MAX_BYTES = 4_000_000  # of all pictures: a page that can be sent by mail
MAX_CLASSES = 4  # whose probability is shown: the likeliest, and that of the label


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One image, as the page shows it.

    Attributes:
        path: As in the catalogue.
        label: Its own.
        picture: Data URI.
    """

    path: str
    label: str
    picture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCard:
    """One family, as the page shows it.

    Attributes:
        issue: What was found.
        labels: Of its images, the rarest first.
        split: Where it belongs, empty where no image is training material.
        said: Probability of some classes, the likeliest first.
        figures: A few images, of each label in turn; none where the tiles are gone.
    """

    issue: LabelIssue
    labels: Sequence[str]
    split: str
    said: Mapping[str, float]
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelReview:
    """All that page, CSV and report show of labels.

    Attributes:
        issues: What was found.
        table: The CSV.
        cards: The first issues of each kind.
        compared: Families of each class that the models are surest of, one image each.
    """

    issues: LabelIssues
    table: bytes
    cards: Mapping[IssueKind, Sequence[IssueCard]]
    compared: Mapping[str, Sequence[Figure]] = field(default_factory=dict)

    def files(self, title: str) -> dict[str, bytes]:
        """Return page and CSV by name."""
        page = render_page(TEMPLATE, plots={}, review=self, title=title, list=LIST)
        return {PAGE: page.encode(), LIST: self.table}


def review_labels(
    issues: LabelIssues,
    asked: AskedFamilies,
    catalogue: Catalogue,
    tiles: Tiles | None,
) -> LabelReview:
    """Return what is to be shown of issues.

    Args:
        issues: As `find_issues` returns them.
        asked: What models said of families.
        catalogue: The data set.
        tiles: Its packed tiles; without them there are no pictures.
    """
    show = _Camera(catalogue=catalogue, tiles=tiles)
    compared = dict(_compared(issues, asked, show)) if issues.issues else {}
    return LabelReview(
        issues=issues,
        table=issues.csv(catalogue),
        cards={
            kind: [_card(own, show) for own in found[:MAX_SHOWN]]
            for kind in IssueKind
            if (found := issues.of_kind(kind))
        },
        compared=compared,
    )


@dataclass(slots=True, kw_only=True)
class _Camera:
    """Draws tiles of a catalogue, where they are left, until the page is full."""

    catalogue: Catalogue
    tiles: Tiles | None
    room: int = MAX_BYTES

    def label(self, row: int) -> str:
        return str(self.catalogue.table["label"][row])

    def figures(self, rows: Iterable[int]) -> Iterator[Figure]:
        """Yield pictures of the rows that have a tile."""
        records = self.catalogue.records
        for row in rows:
            if self.tiles is not None and records[row] >= 0:
                tile = self.tiles.take(records[[row]])[0]
                picture = to_uri(shrink(tile, longest_px=TILE_PX))
                if len(picture) > self.room:
                    return
                self.room -= len(picture)
                path = self.catalogue.paths[row]
                yield Figure(path=path, label=self.label(row), picture=picture)


def _card(issue: LabelIssue, show: _Camera) -> IssueCard:
    splits = show.catalogue.table["split"].take(list(issue.rows)).to_pylist()
    said = [
        (name, value)
        for place, (name, value) in enumerate(issue.said.items())
        if place < MAX_CLASSES or name in issue.scores
    ]
    return IssueCard(
        issue=issue,
        labels=sorted(issue.scores, key=lambda name: issue.scores[name]),
        split=next((str(split) for split in splits if split is not None), ""),
        said=dict(said),
        figures=tuple(show.figures(_choose(issue, show))),
    )


def _choose(issue: LabelIssue, show: _Camera) -> list[int]:
    """Return a few rows with tiles, of each label in turn, the rarest first."""
    by_label: dict[str, list[int]] = {
        name: [] for name in sorted(issue.scores, key=lambda name: issue.scores[name])
    }
    for row in issue.rows:
        if show.catalogue.records[row] >= 0:
            by_label[show.label(row)].append(row)
    turns = sorted(
        (place, turn, row)
        for turn, rows in enumerate(by_label.values())
        for place, row in enumerate(rows)
    )
    return [row for *_, row in turns[:MAX_PICTURES]]


def _compared(
    issues: LabelIssues, asked: AskedFamilies, show: _Camera
) -> Iterator[tuple[str, Sequence[Figure]]]:
    """Yield for each class an image of some families that the models are surest of."""
    flagged = [own.family for own in issues.issues]
    is_plain = ~np.isin(asked.codes, flagged)
    families, records = show.catalogue.families, show.catalogue.records
    count = max(MAX_COMPARED // max(len(asked.class_names), 1), 1)
    for number, name in list(enumerate(asked.class_names))[:MAX_COMPARED]:
        own = np.flatnonzero(is_plain & (asked.labels == number))
        own = own[np.argsort(-asked.said[own, number], kind="stable")]
        rows = [
            int(np.flatnonzero((families == code) & (records >= 0))[0])
            for code in asked.codes[own[: min(count, MAX_PICTURES)]]
        ]
        if figures := tuple(show.figures(rows)):
            yield name, figures
