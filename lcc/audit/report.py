"""Write the report of audits: Markdown, one HTML file with its pictures, CSV or JSON.

Knows finished audits and the files of their images; shows a bounded number of leaks and
says how many more there are. CSV and JSON list them all.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from lcc.audit.headline import describe_audit
from lcc.audit.leaks import AuditVerdict, Conflict, Leak, LeakLevel, Proof, SplitAudit
from lcc.audit.user_split import SplitImage
from lcc.data.drawing import cut_square, lay, lay_over, shrink, to_uri
from lcc.data.pages import check_destination, render, write_document
from lcc.images.decode import Image8, UnreadableError, decode_image

Audits = Sequence[SplitAudit]
MAX_LEAKS = 20  # shown of each level: some 3 MB of HTML where all five have as many
MAX_PICTURES = 6  # shown of a leak: one row at 1280 px
MAX_UNREADABLE = 50
THUMBNAIL_PX = 128
PROOF_PX = 240  # as in the gallery: lines that run on are seen, pixels are not
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
    LeakLevel.CLAIM: "The split says that these belong together, and divides them.",
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
        images: The first few, those of the proof first.
        num_more: Images not shown.
        title: Its splits or labels.
        proof: Why the first two belong together, where an edge says so.
    """

    images: Sequence[SplitImage]
    num_more: int
    title: str
    proof: Proof | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPart:
    """One audit, as the report shows it.

    Attributes:
        audit: What was found.
        sentences: Those that people will quote.
        sentence: What the verdict means.
        sections: Leaks and conflicts by level.
        unreadable: Path and reason of the first few.
    """

    audit: SplitAudit
    sentences: Sequence[str]
    sentence: str
    sections: Sequence[ReportSection]
    unreadable: Sequence[tuple[str, str]]


def check_format(file: Path) -> None:
    """Check that a report can be written to a file, before the audit begins.

    Raises:
        ConfigError: It has another ending than those of `FORMATS`, or there is no such
            folder.
    """
    check_destination(file, option="output", endings=FORMATS)


def write_report(audit: SplitAudit | Audits, file: Path) -> None:
    """Write the report of audits: Markdown, HTML, or a list of all leaks.

    Args:
        audit: What `audit_split` or `audit_splits` returned.
        file: Its ending chooses: `.md`, `.html`, `.csv` or `.json`.

    Raises:
        ConfigError: It has another ending, or cannot be written.
    """
    check_format(file)
    audits = [audit] if isinstance(audit, SplitAudit) else audit
    text = FORMATS[file.suffix.lower()](audits)
    write_document(file, text, option="output")


def render_markdown(audits: Audits) -> str:
    """Return the report in Markdown, without pictures."""
    return _render("audit.md.j2", audits)


def render_html(audits: Audits) -> str:
    """Return the report as one HTML document, pictures included."""
    return _render("audit.html.j2", audits)


def render_csv(audits: Audits) -> str:
    """Return all leaks as CSV: audit, level, number of the leak, split, path, label."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("audit", "level", "leak", "split", "path", "label"))
    for audit in audits:
        for number, leak in enumerate(audit.leaks, 1):
            level = leak.level.name.lower()
            for image in (audit.images[row] for row in leak.rows):
                label = " ".join(image.labels)
                row = (audit.name, level, number, image.split, image.path, label)
                writer.writerow(row)
    return text.getvalue()


def render_json(audits: Audits) -> str:
    """Return all that was found as JSON: an object for each audit."""
    return json.dumps([_as_json(audit) for audit in audits], indent=1) + "\n"


def _as_json(audit: SplitAudit) -> dict[str, object]:
    return {
        "name": audit.name,
        "verdict": audit.verdict.name.lower(),
        "sentences": describe_audit(audit),
        "counts": audit.counts,
        "shared": [asdict(one) for one in audit.shared],
        "score": asdict(audit.score) if audit.score else None,
        "claims": [asdict(claim) for claim in audit.claims],
        "leaks": [
            {
                "level": leak.level.name.lower(),
                "name": leak.name,
                "why": leak.proof.text if leak.proof else "",
                "images": [_image(audit, row) for row in leak.rows],
            }
            for leak in audit.leaks
        ],
        "conflicts": [
            {
                "level": conflict.level.name.lower(),
                "labels": conflict.labels,
                "images": [_image(audit, row) for row in conflict.rows],
            }
            for conflict in audit.conflicts
        ],
        "unreadable": {
            audit.images[r].path: why for r, why in audit.unreadable.items()
        },
        "notes": audit.notes,
    }


def _image(audit: SplitAudit, row: int) -> dict[str, str]:
    image = audit.images[row]
    return {"path": image.path, "split": image.split, "label": " ".join(image.labels)}


FORMATS: dict[str, Callable[[Audits], str]] = {
    ".md": render_markdown,
    ".html": render_html,
    ".csv": render_csv,
    ".json": render_json,
}


def _render(template: str, audits: Audits) -> str:
    return render(
        template,
        package="lcc.audit",
        filters={"code": _code, "thumbnail": lru_cache(_thumbnail), "laid": _laid},
        parts=[_part(audit) for audit in audits],
    )


def _part(audit: SplitAudit) -> ReportPart:
    unreadable = [
        (audit.images[row].path, why) for row, why in audit.unreadable.items()
    ]
    return ReportPart(
        audit=audit,
        sentences=describe_audit(audit),
        sentence=SENTENCES[audit.verdict],
        sections=[*_leak_sections(audit), *_conflict_sections(audit)],
        unreadable=unreadable[:MAX_UNREADABLE],
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
    proof = found.proof if isinstance(found, Leak) else None
    inside = {image.split for image in images}
    splits = ", ".join(split for split in audit.counts if split in inside)
    title = ", ".join(found.labels) if isinstance(found, Conflict) else splits
    # Of an overlap others may look unlike it.
    is_pair = found.level in (LeakLevel.OVERLAP, LeakLevel.QUESTION)
    num_shown = 2 if is_pair else MAX_PICTURES
    order = {split: number for number, split in enumerate(audit.counts)}
    shown = images[:num_shown]
    if proof is None:
        shown = sorted(shown, key=lambda image: order[image.split])
    return LeakCard(
        images=shown,
        num_more=max(len(images) - num_shown, 0),
        title=f"{found.name}: {title}"
        if isinstance(found, Leak) and found.name
        else title,
        proof=proof,
    )


def _code(text: str) -> str:
    """Return a text as Markdown code, also inside a table."""
    plain = " ".join(text.split("\n")).replace("|", "\\|")
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"


def _thumbnail(file: Path) -> str | None:
    """Return a reduced picture as data URI, None where the file is no picture."""
    pixels = _read(file)
    return None if pixels is None else to_uri(shrink(pixels, longest_px=THUMBNAIL_PX))


def _laid(card: LeakCard) -> Sequence[str]:
    """Return the first image, the second laid on it, and both in a chessboard."""
    if card.proof is None:
        return ()
    found = [_read(image.file) for image in card.images[:2]]
    squares = [cut_square(pixels) for pixels in found if pixels is not None]
    if len(squares) < 2:  # noqa: PLR2004 - one of the two was taken away meanwhile
        return ()
    first, second = squares
    transform = np.vstack([np.reshape(card.proof.matrix, (2, 3)), (0, 0, 1)])
    drawn = (
        shrink(first, longest_px=PROOF_PX),
        lay(second, transform, size_px=PROOF_PX),
        lay_over(first, second, transform, size_px=PROOF_PX),
    )
    return [to_uri(picture) for picture in drawn]


def _read(file: Path) -> Image8 | None:
    try:
        return decode_image(file.read_bytes()).pixels
    except (OSError, UnreadableError):
        return None
