"""Who was champion, since when and why: the history that the registry keeps in tags.

Pure: knows changes and their order; the registry keeps them.
"""

import getpass
import json
import os
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

CHAMPION = "champion"
PREFIX = "lcc.champion."  # of the tags of the registered model; a number follows
MAX_CHARACTERS = 5000  # of a tag or a description, in MLflow's own tables


class Action(StrEnum):
    """What moved the alias."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One move of the alias.

    Attributes:
        action: What moved it.
        before: Version that had it, 0: none.
        after: Version that has it since.
        run: Train run of that version.
        who: User and machine.
        when: ISO 8601, UTC.
        why: In a person's words; empty where nobody said.
        evaluation: That the version was let through by; of a promotion.
        overruled: What the gate held against it, where it was forced.
        limits: Of the gate.
    """

    action: Action
    before: int
    after: int
    run: str
    who: str
    when: str
    why: str = ""
    evaluation: str = ""
    overruled: Sequence[str] = ()
    limits: Mapping[str, float] = field(default_factory=dict)

    def dump(self) -> str:
        """Return the change as JSON that a tag can hold."""
        document = asdict(self)
        text = json.dumps(document, ensure_ascii=False)
        if len(text) > MAX_CHARACTERS:  # names of what was overruled must do
            short = [reason.partition(":")[0] for reason in self.overruled]
            text = json.dumps(document | {"overruled": short}, ensure_ascii=False)
        return text

    def __str__(self) -> str:
        """Return the change as a line."""
        why = f": {self.why}" if self.why else ""
        forced = f" (forced, against {len(self.overruled)})" if self.overruled else ""
        return (
            f"{self.when}  {self.action:<8}  {self.before or 'none'} → {self.after}  "
            f"{self.run}  {self.who}{why}{forced}"
        )


def read_change(text: str) -> Change:
    """Return what `Change.dump` wrote.

    Example:
        >>> change = Change(
        ...     action=Action.PROMOTE,
        ...     before=0,
        ...     after=2,
        ...     run="train-1",
        ...     who="a",
        ...     when="b",
        ... )
        >>> read_change(change.dump()).after
        2
    """
    document = json.loads(text)
    return Change(**document | {"action": Action(document["action"])})


def version_before(
    history: Sequence[Change], current: int, *, existing: Collection[int]
) -> int:
    """Return the version that was champion before the present one, 0 without one.

    A rollback takes back the promotion of what it leaves, so that two of them lead two
    champions back. Where the alias was moved by somebody else to a version that never
    was champion here, the last one that was comes before it.

    Args:
        history: Changes, oldest first.
        current: Version that has the alias.
        existing: Versions that were not deleted.

    Example:
        >>> def promoted(before: int, after: int) -> Change:
        ...     return Change(
        ...         action=Action.PROMOTE,
        ...         before=before,
        ...         after=after,
        ...         run="",
        ...         who="",
        ...         when="",
        ...     )
        >>> version_before([promoted(0, 1), promoted(1, 3)], 3, existing={1, 2, 3})
        1
    """
    stack: list[int] = []
    for change in history:
        found = [change.before, change.after]
        if change.action is Action.ROLLBACK:
            while stack and stack.pop() != change.before:
                pass
            found = [change.after]
        stack += [version for version in found if version and version not in stack[-1:]]
    if current in stack:
        while stack.pop() != current:
            pass
    left = [version for version in stack if version in existing and version != current]
    return left[-1] if left else 0


def this_person() -> str:
    """Return user and machine; a pod's user may have no name."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def now() -> str:
    """Return the present moment as ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
