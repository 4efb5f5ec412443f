"""How every process of lcc writes its log: one form, UTC, and nothing over and over.

Knows handlers and filters; which process logs how much is for its outermost frame.
"""

import logging
import sys
import time

FORMAT = "%(asctime)sZ level=%(levelname)s logger=%(name)s %(message)s"
AGAIN_SECONDS = 60.0  # a line that stayed away so long is news again


class Repeated(logging.Filter):
    """Drops a line that has come lately, as each try of what is away writes one."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is news."""
        if record.levelno < logging.WARNING:
            return True
        key = (record.name, record.getMessage())
        before = self._last.get(key, float("-inf"))
        self._last[key] = record.created
        return record.created - before > AGAIN_SECONDS


def configure(level: str) -> None:
    """Send all that is logged to stderr."""
    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(FORMAT))
    handler.addFilter(Repeated())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("botocore.credentials").setLevel(logging.WARNING)
    # What it tries again by itself; the kubernetes client sets the level of its parent.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
