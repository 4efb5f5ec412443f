"""Logs in the store, of steps that have ended, whichever back end ran them."""

import re
from collections.abc import Iterator

from lcc.errors import NotFoundError
from lcc.storage import layout
from lcc.storage.store import Store


def read_stored_logs(
    store: Store, run_id: str, step: str | None, *, index: int | None = None
) -> Iterator[str]:
    """Yield the lines of a step's logs, newest attempt last.

    Raises:
        NotFoundError: There is none.
    """
    prefix = layout.logs_prefix(run_id)
    keys = [item.key for item in store.list_objects(prefix)]
    # A process' folder is its step; a pod's is its Job, with which its name begins.
    folder = rf"(?P<job>({re.escape(run_id)}-)?{step or '[a-z]+'}(-\d+)?)"
    name = ".*" if index is None else rf"((?P=job)-)?0*{index}(-\w+)?"
    log = re.compile(rf"{folder}/{name}\.log")
    wanted = [key for key in keys if log.fullmatch(key.removeprefix(prefix))]
    if not wanted:
        message = (
            f"run {run_id}: must have a log{f' of {step}' if step else ''}, got none "
            "yet. Is it the right step?"
        )
        raise NotFoundError(message)
    for key in wanted:
        name = key.removeprefix(prefix).removesuffix(".log")
        for line in store.read(key).decode(errors="replace").splitlines():
            yield line if len(wanted) == 1 else f"[{name}] {line}"
