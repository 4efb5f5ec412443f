"""What an audit of a split found, and its report in Markdown."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lcc.data.digest import encode_name

MAX_SHOWN = 10  # leaks in the report; counts are of all
PICTURE = "identical pictures"
FAMILY = "copies of one source tile"
GROUP = "overlapping tissue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Images of one kind of kinship that lie in several splits.

    Attributes:
        kind: What ties them.
        splits: The splits, sorted.
        paths: The images, sorted.
    """

    kind: str
    splits: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitAudit:
    """What an audit found.

    Attributes:
        name: Name of the CSV.
        counts: Split → images.
        unreadable: (path, reason) of what could not be judged.
        leaks: All leaks: identical pictures first, then families, then overlaps.
        touched: Split → images that have kin in another split.
    """

    name: str
    counts: dict[str, int]
    unreadable: tuple[tuple[str, str], ...]
    leaks: tuple[Leak, ...]
    touched: dict[str, int]

    def summary(self) -> str:
        """Return the number of leaks of each kind in words."""
        kinds = Counter(leak.kind for leak in self.leaks)
        return ", ".join(f"{kinds[kind]} × {kind}" for kind in kinds) or "no leak"

    def markdown(self) -> str:
        """Return the report."""
        verdict = "LEAK" if self.leaks else "no leak found"
        lines = [
            f"# Audit of {self.name}: {verdict}",
            "",
            f"Found: {self.summary()}.",
            "",
        ]
        lines.append("| split | images | with kin in another split |")
        lines.append("| --- | ---: | ---: |")
        for split, count in self.counts.items():
            share = self.touched[split] / count
            lines.append(f"| {split} | {count} | {self.touched[split]} ({share:.1%}) |")
        for kind in (PICTURE, FAMILY, GROUP):
            lines += _section(kind, [leak for leak in self.leaks if leak.kind == kind])
        if self.unreadable:
            lines += ["", f"## Unreadable: {len(self.unreadable)}", ""]
            lines += [f"- `{path}`: {why}" for path, why in self.unreadable[:MAX_SHOWN]]
        return "\n".join(lines) + "\n"


def _section(kind: str, leaks: Sequence[Leak]) -> list[str]:
    if not leaks:
        return []
    lines = ["", f"## {kind.capitalize()}: {len(leaks)}", ""]
    for leak in leaks[:MAX_SHOWN]:
        shown = ", ".join(f"`{encode_name(path)}`" for path in leak.paths[:4])
        more = f" and {len(leak.paths) - 4} more" if len(leak.paths) > 4 else ""  # noqa: PLR2004 - fits a line
        lines.append(f"- {' and '.join(leak.splits)}: {shown}{more}")
    if len(leaks) > MAX_SHOWN:
        lines.append(f"- … and {len(leaks) - MAX_SHOWN} more")
    return lines
