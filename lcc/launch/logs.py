"""Logs in the store, whichever back end ran their steps: whole, or as they grow.

Knows keys, and which lines say nothing of a study; not how a log comes to the store.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lcc.errors import NotFoundError
from lcc.storage import layout
from lcc.storage.store import Store

FOLLOW_SECONDS = 0.5
# What TensorFlow and what it links write when they are loaded, of every process anew.
CHATTER = re.compile(
    r"(\[[^\]]+\] )?("
    r"WARNING: All log messages before absl::InitializeLog"
    r"|[IW]\d{4} \d\d:\d\d:[\d.]+ +\d+ \S+\.cc:\d+\] "
    r"|E\d{4} \d\d:\d\d:[\d.]+ +\d+ cuda\w*\.cc:\d+\] failed call to cuInit"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] (tensorflow|external)/"
    r"|To enable the following instructions: "
    r")"
)


def is_chatter(line: str) -> bool:
    """Return whether a line of a log is TensorFlow's, about its own start.

    Example:
        >>> is_chatter("I0000 00:00:1795817010.045704    9039 port.cc:153] oneDNN …")
        True
        >>> is_chatter("stopped after step 33, all work so far is saved")
        False
    """
    return CHATTER.match(line) is not None


def read_stored_logs(
    store: Store, run_id: str, step: str | None, *, index: int | None = None
) -> Iterator[str]:
    """Yield the lines of a step's logs, newest attempt last.

    Raises:
        NotFoundError: There is none.
    """
    wanted = _log_names(store, run_id, step, index)
    if not wanted:
        message = (
            f"run {run_id}: must have a log{f' of {step}' if step else ''}, got none "
            "yet. Is it the right step?"
        )
        raise NotFoundError(message)
    for key, name in wanted.items():
        for line in store.read(key).decode(errors="replace").splitlines():
            yield line if len(wanted) == 1 else f"[{name}] {line}"


def follow_stored_logs(
    store: Store,
    run_id: str,
    step: str | None,
    *,
    index: int | None = None,
    is_over: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """Yield the lines of a step's logs as they come, until nothing can come any more.

    Args:
        store: The root.
        run_id: The run.
        step: Only of this step.
        index: Only of this process.
        is_over: Whether whoever writes has ended.
        sleep: Waits so many seconds.
    """
    logs: dict[str, _GrowingLog] = {}
    while True:
        was_over = is_over()  # asked before the last look, so that no line is missed
        for key, name in _log_names(store, run_id, step, index).items():
            is_alone = step is not None and index is not None
            log = logs.setdefault(key, _GrowingLog("" if is_alone else f"[{name}] "))
            yield from log.news(store, key, is_whole=was_over)
        if was_over:
            return
        sleep(FOLLOW_SECONDS)


@dataclass(slots=True)
class _GrowingLog:
    """What of one log was told; a line is told once it has its end.

    Attributes:
        mark: Before each line.
        position: Bytes that were read.
        rest: Of a line without its end.
    """

    mark: str
    position: int = 0
    rest: bytes = field(default=b"")

    def news(self, store: Store, key: str, *, is_whole: bool) -> Iterator[str]:
        """Yield the lines that came since."""
        came = store.read_range(key, start=self.position, length=1 << 30)
        self.position += len(came)
        *lines, self.rest = (self.rest + came).split(b"\n")
        if is_whole and self.rest:
            lines, self.rest = [*lines, self.rest], b""
        for line in lines:
            yield f"{self.mark}{line.decode(errors='replace')}"


def _log_names(
    store: Store, run_id: str, step: str | None, index: int | None
) -> dict[str, str]:
    """Return key → step and process of the logs that are meant, sorted by key."""
    prefix = layout.logs_prefix(run_id)
    # A process' folder is its step; a pod's is its Job, with which its name begins.
    folder = rf"(?P<job>({re.escape(run_id)}-)?{step or '[a-z]+'}(-\d+)?)"
    name = ".*" if index is None else rf"((?P=job)-)?0*{index}(-\w+)?"
    log = re.compile(rf"{folder}/{name}\.log")
    keys = (item.key.removeprefix(prefix) for item in store.list_objects(prefix))
    return {
        f"{prefix}{key}": key.removesuffix(".log") for key in keys if log.fullmatch(key)
    }
