"""The report of an audit: Markdown, one HTML file that holds its pictures, or CSV.

Knows a finished audit and the files of its images; shows a bounded number of leaks, and
says how many more there are. The CSV lists them all.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lcc.audit.leaks import Conflict, Leak, SplitAudit, Tie, Verdict
from lcc.audit.user_split import SplitImage
from lcc.data.decode import UnreadableError, decode_image
from lcc.data.drawing import shrink, to_uri
from lcc.data.pages import check_place, render, write_document

MAX_LEAKS = 20  # shown of each tie: some 3 MB of HTML where all five have as many
MAX_PICTURES = 6  # shown of a leak: one row at 1280 px
MAX_UNREADABLE = 50
THUMBNAIL_PX = 128
EXPLANATIONS = {
    Tie.FILE: "The same bytes lie in several splits.",
    Tie.PICTURE: "Other bytes, the same pixels: saved anew, converted or renamed.",
    Tie.FAMILY: "Made from one source: turned, mirrored, cropped, zoomed, stained or "
    "compressed anew. Geometry and pixels agree.",
    Tie.OVERLAP: "The pictures share a part of what they show, directly or through "
    "others. Geometry and pixels agree.",
    Tie.QUESTION: "Geometry or pixels alone say that these belong together. Look at "
    "them: blank and repetitive pictures can look alike without being kin.",
}
SENTENCES = {
    Verdict.LEAK: "Images that belong together lie in several splits. What is measured "
    "on one of them is not what a model does on new images.",
    Verdict.CLEAN: "No two splits share a picture, a family or an overlap.",
    Verdict.UNCLEAR: "Links between splits are questionable, or too many images could "
    "not be read. Look at them.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One leak or conflict as it is shown.

    Attributes:
        images: The first few.
        num_more: Images not shown.
        title: Its splits or labels.
    """

    images: Sequence[SplitImage]
    num_more: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """All leaks or conflicts of one kind.

    Attributes:
        title: What they are.
        text: What that means.
        count: How many there are.
        cards: The first few.
    """

    title: str
    text: str
    count: int
    cards: Sequence[Card]


def check_format(file: Path) -> None:
    """Check that a report can be written to a file, before the work begins.

    Raises:
        ConfigError: It has another ending than those of `FORMATS`, or there is no such
            folder.
    """
    check_place(file, option="output", endings=FORMATS)


def write_report(audit: SplitAudit, file: Path) -> None:
    """Write the report in the format that the file's ending says.

    Raises:
        ConfigError: It has another ending, or cannot be written.
    """
    check_format(file)
    text = FORMATS[file.suffix.lower()](audit)
    write_document(file, text, option="output")


def render_markdown(audit: SplitAudit) -> str:
    """Return the report in Markdown, without pictures."""
    return _render("leaks.md.j2", audit)


def render_html(audit: SplitAudit) -> str:
    """Return the report as one HTML document, pictures included."""
    return _render("leaks.html.j2", audit)


def render_csv(audit: SplitAudit) -> str:
    """Return all leaks: tie, number of the leak, split, path, label."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("tie", "leak", "split", "path", "label"))
    for number, leak in enumerate(audit.leaks, 1):
        for row in leak.rows:
            image = audit.images[row]
            label = " ".join(image.labels)
            writer.writerow(
                (leak.tie.name.lower(), number, image.split, image.path, label)
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


def _leak_sections(audit: SplitAudit) -> Iterable[Section]:
    for tie, count in audit.ties.items():
        leaks = [leak for leak in audit.leaks if leak.tie is tie]
        cards = [_card(audit, leak) for leak in leaks[:MAX_LEAKS]]
        title = str(tie).capitalize()
        yield Section(title=title, text=EXPLANATIONS[tie], count=count, cards=cards)


def _conflict_sections(audit: SplitAudit) -> Iterable[Section]:
    texts = {
        Tie.PICTURE: ("Pictures under several labels", "One of the labels is wrong."),
        Tie.FAMILY: (
            "Families under several labels",
            "Near copies of one source, differently labelled. No leak by itself.",
        ),
    }
    for tie, (title, text) in texts.items():
        found = [conflict for conflict in audit.conflicts if conflict.tie is tie]
        if found:
            cards = [_card(audit, conflict) for conflict in found[:MAX_LEAKS]]
            yield Section(title=title, text=text, count=len(found), cards=cards)


def _card(audit: SplitAudit, found: Leak | Conflict) -> Card:
    images = [audit.images[row] for row in found.rows]
    if isinstance(found, Conflict):
        names: Iterable[str] = found.labels
    else:
        inside = {image.split for image in images}
        names = [split for split in audit.counts if split in inside]
    is_pair = found.tie in (Tie.OVERLAP, Tie.QUESTION)  # others may look unlike it
    num_shown = 2 if is_pair else MAX_PICTURES
    place = {split: number for number, split in enumerate(audit.counts)}
    shown = sorted(images[:num_shown], key=lambda image: place[image.split])
    return Card(
        images=shown,
        num_more=max(len(images) - num_shown, 0),
        title=", ".join(names),
    )


def _code(text: str) -> str:
    """Return Markdown that shows a text as it is, in a table as well."""
    plain = " ".join(text.split("\n")).replace("|", "\\|")
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"


def _thumbnail(file: Path) -> str | None:
    """Return a reduced picture as data URI, None where the file shows no picture."""
    try:
        pixels = decode_image(file.read_bytes()).pixels
    except (OSError, UnreadableError):
        return None
    return to_uri(shrink(pixels, longest_px=THUMBNAIL_PX))
