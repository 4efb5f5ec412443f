"""How a process or step ended, and which endings are worth another try."""

import signal
from dataclasses import dataclass

from lcc.errors import UnavailableError

TEMPORARY = UnavailableError.exit_code
STOPPED = 128 + signal.SIGTERM  # what a step exits with after saving
MAX_RETRIES = 3  # of temporary trouble, as the Jobs' backoff limit
MAX_KILLS = 1  # the kernel's out-of-memory killer comes again; a stray kill does not
BACKOFF_SECONDS = 2.0  # doubled with each try: 2, 4, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a step ended.

    Attributes:
        exit_code: 0, or the code of the first process that failed for good.
        message: Its one-line error.
        log: Where its log is, or the command that shows it.
        is_stop: Whether the driver was asked to stop, and nothing failed.
        goes_on: Whether its Jobs are still at work, without a driver.
    """

    exit_code: int = 0
    message: str | None = None
    log: str | None = None
    is_stop: bool = False
    goes_on: bool = False


def retry_after(
    exit_code: int, *, num_failures: int, backoff_seconds: float = BACKOFF_SECONDS
) -> float | None:
    """Return the seconds to wait before another try, None for no other.

    Temporary trouble (75) and a step stopped from outside (143) are tried three more
    times, a killed process once; wrong settings (2), wrong data (3), a failed check (4)
    and a plain failure (1) would only fail again.

    Args:
        exit_code: As `subprocess` gives it: negative for a signal.
        num_failures: How often this process has failed, with this time.
        backoff_seconds: Before the second try; doubled before each further one.

    Example:
        >>> retry_after(75, num_failures=1), retry_after(2, num_failures=1)
        (2.0, None)
    """
    if exit_code in {TEMPORARY, STOPPED, -signal.SIGTERM}:
        tries = MAX_RETRIES
    elif exit_code < 0:
        tries = MAX_KILLS
    else:
        return None
    return None if num_failures > tries else backoff_seconds * 2 ** (num_failures - 1)


def shell_code(exit_code: int) -> int:
    """Return the code as a shell shows it: 128 + signal.

    Example:
        >>> shell_code(-9)
        137
    """
    return 128 - exit_code if exit_code < 0 else exit_code


def describe_exit(exit_code: int, last_line: str) -> str:
    """Return one line about a process that named no error of its own.

    Example:
        >>> describe_exit(-9, "")
        'killed by SIGKILL, perhaps for lack of memory: lower launch.parallelism'
    """
    if exit_code == -signal.SIGKILL:
        return "killed by SIGKILL, perhaps for lack of memory: lower launch.parallelism"
    if exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return last_line or f"exit code {exit_code}"
