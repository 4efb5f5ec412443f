"""What can go wrong, and the exit code of each: exit codes are API (see `jobs`).

Messages have the form `<field or object>: <rule>, got <value>. <what to do>`.
"""

from collections.abc import Sequence


class LccError(Exception):
    """Say what went wrong in one clear message; the process exits with `exit_code`."""

    exit_code = 1


class RunFailed(LccError):  # noqa: N818 - a run that failed, not a fault of the program
    """A step ended without its result, and neither input nor environment is why."""


class ConfigError(LccError):
    """Settings that cannot work; lists every fault found at once.

    Args:
        faults: One message per fault, each with the path of its field.
    """

    exit_code = 2

    def __init__(self, *faults: str) -> None:
        self.faults: Sequence[str] = faults
        super().__init__("\n".join(faults))


class RefusedLoginError(ConfigError):
    """Keys that nobody knows any more; the next pod of a run may have new ones."""


class DataError(LccError):
    """Data that cannot be used: a missing folder, too few groups, a broken object."""

    exit_code = 3


class NotFoundError(DataError):
    """An object or run that should exist does not."""


class CheckFailed(LccError):  # noqa: N818 - a check did its work and found a fault
    """A check found a fault: a leak, a gate not passed."""

    exit_code = 4


class UnavailableError(LccError):
    """Storage, tracking or workers are away; the same call may succeed later."""

    exit_code = 75


class NoRoomError(UnavailableError):
    """A disk of this machine is full, which waiting does not mend."""


class Stopped(LccError):  # noqa: N818 - an orderly stop, not an error
    """SIGTERM arrived and all work so far is saved."""

    exit_code = 143
