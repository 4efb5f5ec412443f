"""Write the report of an audit: Markdown, one HTML file with its pictures, or CSV.

Knows a finished audit and the files of its images; shows a bounded number of leaks, and
says how many more there are. The CSV lists them all.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lcc.audit.leaks import AuditVerdict, Conflict, Leak, LeakLevel, SplitAudit
from lcc.audit.user_split import SplitImage
from lcc.data.decode import UnreadableError, decode_image
from lcc.data.drawing import shrink, to_uri
from lcc.data.pages import check_destination, render, write_document

MAX_LEAKS = 20  # shown of each level: some 3 MB of HTML where all five have as many
MAX_PICTURES = 6  # shown of a leak: one row at 1280 px
MAX_UNREADABLE = 50
THUMBNAIL_PX = 128
EXPLANATIONS = {
    LeakLevel.FILE: "The same bytes lie in several splits.",
    LeakLevel.PICTURE: "Other bytes, the same pixels: saved anew, converted or "
    "renamed.",
    LeakLevel.FAMILY: "Made from one source: turned, mirrored, cropped, zoomed, "
    "stained or compressed anew. Geometry and pixels agree.",
    LeakLevel.OVERLAP: "The pictures share a part of what they show, directly or "
    "through others. Geometry and pixels agree.",
    LeakLevel.QUESTION: "Geometry or pixels alone say that these belong together. Look "
    "at them: blank and repetitive pictures can look alike without being copies.",
}
SENTENCES = {
    AuditVerdict.LEAK: "Images that belong together lie in several splits. What is "
    "measured on one of them is not what a model does on new images.",
    AuditVerdict.CLEAN: "No two splits share a picture, a family or an overlap.",
    AuditVerdict.UNCLEAR: "Edges between splits are questionable, or too many images "
    "could not be read. Look at them.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakCard:
    """One leak or conflict, as the report shows it.

    Attributes:
        images: The first few.
        num_more: Images not shown.
        title: Its splits or labels.
    """

    images: Sequence[SplitImage]
    num_more: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSection:
    """All leaks or conflicts of one level, as the report shows them.

    Attributes:
        title: What they are.
        text: What that means.
        count: How many there are.
        cards: The first few.
    """

    title: str
    text: str
    count: int
    cards: Sequence[LeakCard]


def check_format(file: Path) -> None:
    """Check that a report can be written to a file, before the audit begins.

    Raises:
        ConfigError: It has another ending than those of `FORMATS`, or there is no such
            folder.
    """
    check_destination(file, option="output", endings=FORMATS)


def write_report(audit: SplitAudit, file: Path) -> None:
    """Write the report of an audit: as Markdown, HTML or a list of all leaks in CSV.

    Args:
        audit: What `audit_split` returned.
        file: Its ending chooses: `.md`, `.html` or `.csv`.

    Raises:
        ConfigError: It has another ending, or cannot be written.
    """
    check_format(file)
    text = FORMATS[file.suffix.lower()](audit)
    write_document(file, text, option="output")


def render_markdown(audit: SplitAudit) -> str:
    """Return the report in Markdown, without pictures."""
    return _render("audit.md.j2", audit)


def render_html(audit: SplitAudit) -> str:
    """Return the report as one HTML document, pictures included."""
    return _render("audit.html.j2", audit)


def render_csv(audit: SplitAudit) -> str:
    """Return all leaks as CSV: level, number of the leak, split, path, label."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("level", "leak", "split", "path", "label"))
    for number, leak in enumerate(audit.leaks, 1):
        for row in leak.rows:
            image = audit.images[row]
            label = " ".join(image.labels)
            writer.writerow(
                (leak.level.name.lower(), number, image.split, image.path, label)
            )
    return text.getvalue()


FORMATS: dict[str, Callable[[SplitAudit], str]] = {
    ".md": render_markdown,
    ".html": render_html,
    ".csv": render_csv,
}


def _render(template: str, audit: SplitAudit) -> str:
    unreadable = [
        (audit.images[row].path, why) for row, why in audit.unreadable.items()
    ]
    return render(
        template,
        package="lcc.audit",
        filters={"code": _code, "thumbnail": lru_cache(_thumbnail)},
        audit=audit,
        sentence=SENTENCES[audit.verdict],
        sections=[*_leak_sections(audit), *_conflict_sections(audit)],
        unreadable=unreadable[:MAX_UNREADABLE],
        splits=list(audit.counts),
    )


def _leak_sections(audit: SplitAudit) -> Iterable[ReportSection]:
    for level, count in audit.leak_counts.items():
        leaks = [leak for leak in audit.leaks if leak.level is level]
        cards = [_card(audit, leak) for leak in leaks[:MAX_LEAKS]]
        title = str(level).capitalize()
        yield ReportSection(
            title=title, text=EXPLANATIONS[level], count=count, cards=cards
        )


def _conflict_sections(audit: SplitAudit) -> Iterable[ReportSection]:
    texts = {
        LeakLevel.PICTURE: (
            "Pictures under several labels",
            "One of the labels is wrong.",
        ),
        LeakLevel.FAMILY: (
            "Families under several labels",
            "Near copies of one source, differently labelled. No leak by itself.",
        ),
    }
    for level, (title, text) in texts.items():
        found = [one for one in audit.conflicts if one.level is level]
        if found:
            cards = [_card(audit, conflict) for conflict in found[:MAX_LEAKS]]
            yield ReportSection(title=title, text=text, count=len(found), cards=cards)


def _card(audit: SplitAudit, found: Leak | Conflict) -> LeakCard:
    images = [audit.images[row] for row in found.rows]
    if isinstance(found, Conflict):
        names: Iterable[str] = found.labels
    else:
        inside = {image.split for image in images}
        names = [split for split in audit.counts if split in inside]
    is_pair = found.level in (
        LeakLevel.OVERLAP,
        LeakLevel.QUESTION,
    )  # others may look unlike it
    num_shown = 2 if is_pair else MAX_PICTURES
    order = {split: number for number, split in enumerate(audit.counts)}
    shown = sorted(images[:num_shown], key=lambda image: order[image.split])
    return LeakCard(
        images=shown,
        num_more=max(len(images) - num_shown, 0),
        title=", ".join(names),
    )


def _code(text: str) -> str:
    """Return a text as Markdown code, also inside a table."""
    plain = " ".join(text.split("\n")).replace("|", "\\|")
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"


def _thumbnail(file: Path) -> str | None:
    """Return a reduced picture as data URI, None where the file is no picture."""
    try:
        pixels = decode_image(file.read_bytes()).pixels
    except (OSError, UnreadableError):
        return None
    return to_uri(shrink(pixels, longest_px=THUMBNAIL_PX))
