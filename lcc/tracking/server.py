"""The interface of a tracking server, as the sender calls it."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from lcc.errors import LccError
from lcc.tracking.registry import RegisteredVersion

Metric = tuple[str, float, int, int]  # name, value, time in milliseconds, step


class RefusedError(LccError):
    """The server will never take this report, e.g. a parameter that changed."""


class TrackingServer(Protocol):
    """A server that runs are reported to; runs are named by our own ids.

    Each call raises `UnavailableError` where a later try may succeed, `RefusedError`
    where no try will.
    """

    def session(self) -> AbstractContextManager[None]:
        """Lock out other senders, and check that the server answers."""

    def ensure_run(self, run_id: str, trial: str | None, *, start_ms: int) -> None:
        """Find or create the run."""

    def log_metrics(
        self, run_id: str, trial: str | None, metrics: list[Metric]
    ) -> None:
        """Add metrics; a row that is there already is not added again."""

    def log_params(
        self, run_id: str, trial: str | None, params: dict[str, str]
    ) -> None:
        """Set parameters."""

    def set_tags(self, run_id: str, trial: str | None, tags: dict[str, str]) -> None:
        """Set tags."""

    def set_status(
        self, run_id: str, trial: str | None, status: str, *, time_ms: int
    ) -> None:
        """Set the run's state as of a time."""

    def open_trials(self, run_id: str) -> list[str]:
        """Return the trials of a run that never reported their end."""

    def check_run(self, run_id: str, trial: str | None) -> None:
        """Raise `UnavailableError` unless the run takes reports."""

    def log_artifact(
        self, run_id: str, trial: str | None, name: str, file: Path
    ) -> None:
        """Upload one file as artifact `name`."""

    def log_input(self, run_id: str, fields: dict[str, str]) -> None:
        """Add a data set to the run's inputs."""

    def describe_model(self, run_id: str, text: str) -> None:
        """Set the description of the model version that a train run made."""

    def find_candidate(self) -> str | None:
        """Return the run whose model has the alias `candidate`, None without one."""

    def find_version(
        self, version: str, *, name: str | None = None
    ) -> RegisteredVersion | None:
        """Return a registered version by its number or an alias, None without one.

        Args:
            version: Number or alias.
            name: Of the registered model; by default the one of the settings.
        """

    def register_model(self, run_id: str, folder: Path, *, alias: str) -> None:
        """Register the model folder once, and move the alias to it.

        Its files may be links.
        """
