"""MLflow as the tracking server; nothing else talks to it.

Runs are found by our tags (`lcc.run`, `lcc.trial`), never by a remembered MLflow id, so
that any process can go on where another stopped.
"""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lcc.config import environment
from lcc.config.commands import command_line
from lcc.config.tracking import TrackingSettings
from lcc.errors import UnavailableError
from lcc.tracking.champion import Change
from lcc.tracking.location import artifact_folder, locked, tracking_uri
from lcc.tracking.registry import CANDIDATE, RegisteredVersion, Registry
from lcc.tracking.server import Metric, RefusedError

BATCH = 1000  # most metrics that one log_batch takes
PARAMS = 100  # most parameters that one log_batch takes
PASSING_STATUS = {401, 403, 408, 429}  # of 4xx: keys may be put right, queues empty
# A server that is away must not hold up the driver: short waits, one more try; what was
# not taken is sent at the next call.
CLIENT_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    environment.NO_TELEMETRY: "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
PROBE_ENVIRONMENT = {  # to find out whether it is there at all
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "4",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
}
ILLEGAL = re.compile(r"[^\w.\-/ :]")  # what MLflow takes in no name


@dataclass(kw_only=True, eq=False)
class MlflowServer:
    """A `TrackingServer` on MLflow, by HTTP or on an SQLite file.

    Attributes:
        uri: Of the server or the SQLite file.
        settings: Experiment, registered model.
        root: URI of the root.
    """

    uri: str
    settings: TrackingSettings
    root: str
    _runs: dict[tuple[str, str | None], str] = field(default_factory=dict)
    _searched: set[str] = field(default_factory=set)

    @cached_property
    def _client(self) -> Any:
        set_defaults()
        for name in ("alembic", "mlflow"):
            logging.getLogger(name).setLevel(logging.ERROR)
        from mlflow import MlflowClient

        return MlflowClient(self.uri, registry_uri=self.uri)

    @cached_property
    def _experiment_id(self) -> str:
        name = self.settings.experiment
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        location = None
        if self.uri.startswith("sqlite:"):  # else the server has a location of its own
            location = artifact_folder(self.root).as_uri()
        return str(self._client.create_experiment(name, artifact_location=location))

    def page(self) -> str:
        """Return the address of the experiment's runs; of all, where there is none.

        Raises:
            UnavailableError: The server is away.
        """
        with self._translating(), short_waits():
            found = self._client.get_experiment_by_name(self.settings.experiment)
        if found is None:
            return self.uri
        return f"{self.uri}/#/experiments/{found.experiment_id}"

    @contextmanager
    def session(self) -> Iterator[None]:
        """Lock out other senders, and check that the server answers within 4 s."""
        with locked(self.root):
            with self._translating():
                client = (
                    self._client
                )  # made with its own waits, which hold again after this
                with short_waits():
                    client.search_experiments(max_results=1)
            yield

    def ensure_run(self, run_id: str, trial: str | None, *, start_ms: int) -> None:
        """Find the run by its tags, or create it below the stage's run."""
        with self._translating():
            if run_id not in self._searched:
                self._find_runs(run_id)
            if trial is not None and (run_id, None) not in self._runs:
                self._create_run(run_id, None, start_ms)
            if (run_id, trial) not in self._runs:
                self._create_run(run_id, trial, start_ms)

    def _find_runs(self, run_id: str) -> None:
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment_id],
                f"tags.`lcc.run` = '{run_id}'",
                max_results=1000,
                page_token=token,
            )
            for run in page:
                trial = run.data.tags.get("lcc.trial")
                self._runs[run_id, trial] = run.info.run_id
            token = page.token
            if not token:
                self._searched.add(run_id)
                return

    def _create_run(self, run_id: str, trial: str | None, start_ms: int) -> None:
        tags = {"lcc.run": run_id, "lcc.stage": run_id.partition("-")[0]}
        if trial is not None:
            tags |= {
                "lcc.trial": trial,
                "mlflow.parentRunId": self._runs[run_id, None],
            }
        run = self._client.create_run(
            self._experiment_id, start_ms, tags, run_name=trial or run_id
        )
        self._runs[run_id, trial] = run.info.run_id

    def log_metrics(
        self, run_id: str, trial: str | None, metrics: list[Metric]
    ) -> None:
        """Add metrics in batches; MLflow drops a row that it has already."""
        from mlflow.entities import Metric as MlflowMetric

        rows = [MlflowMetric(legal_name(name), *rest) for name, *rest in metrics]
        for start in range(0, len(rows), BATCH):
            with self._translating():
                self._client.log_batch(
                    self._runs[run_id, trial], metrics=rows[start : start + BATCH]
                )

    def log_params(
        self, run_id: str, trial: str | None, params: dict[str, str]
    ) -> None:
        """Set parameters, each cut at MLflow's 6,000 characters."""
        from mlflow.entities import Param

        rows = [Param(legal_name(name), value[:6000]) for name, value in params.items()]
        for start in range(0, len(rows), PARAMS):
            with self._translating():
                self._client.log_batch(
                    self._runs[run_id, trial], params=rows[start : start + PARAMS]
                )

    def set_tags(self, run_id: str, trial: str | None, tags: dict[str, str]) -> None:
        """Set tags."""
        from mlflow.entities import RunTag

        rows = [RunTag(name, value) for name, value in tags.items()]
        with self._translating():
            self._client.log_batch(self._runs[run_id, trial], tags=rows)

    def set_status(
        self, run_id: str, trial: str | None, status: str, *, time_ms: int
    ) -> None:
        """Set the run's state; an ended run gets its end time."""
        mlflow_id = self._runs[run_id, trial]
        with self._translating():
            if status == "RUNNING":
                self._client.update_run(mlflow_id, status=status)
            else:
                self._client.set_terminated(mlflow_id, status, end_time=time_ms)

    def open_trials(self, run_id: str) -> list[str]:
        """Return the trials of a run that never reported their end."""
        with self._translating():
            runs = self._client.search_runs(
                [self._experiment_id],
                f"tags.`lcc.run` = '{run_id}' AND attributes.status = 'RUNNING'",
                max_results=10_000,
            )
        return [r.data.tags["lcc.trial"] for r in runs if "lcc.trial" in r.data.tags]

    def check_run(self, run_id: str, trial: str | None) -> None:
        """Raise `UnavailableError` unless the run takes reports (it may be deleted)."""
        with self._translating():
            run = self._client.get_run(self._runs[run_id, trial])
        if run.info.lifecycle_stage != "active":
            message = (
                f"{self.uri}: run {run_id} must be active, got "
                f"{run.info.lifecycle_stage}. Restore it in MLflow; nothing is lost."
            )
            raise UnavailableError(message)

    def log_artifact(
        self, run_id: str, trial: str | None, name: str, file: Path
    ) -> None:
        """Upload one file; its folder and name are those of `name`."""
        folder, _, _ = name.rpartition("/")
        with self._translating():
            self._client.log_artifact(
                self._runs[run_id, trial], str(file), folder or None
            )

    def log_input(self, run_id: str, fields: dict[str, str]) -> None:
        """Add a data set to the run's inputs."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(
            name=fields["name"],
            digest=fields["digest"][:36],  # MLflow's column is that wide
            source_type="lcc",
            source=fields["source"],
        )
        tag = InputTag("mlflow.data.context", fields["context"])
        with self._translating():
            self._client.log_inputs(
                self._runs[run_id, None], [DatasetInput(dataset, [tag])]
            )

    def register_model(self, run_id: str, folder: Path, *, alias: str) -> None:
        """Register the folder as a version, unless this run has one; move the alias."""
        with self._translating():
            self._registry.register(
                run_id, folder, alias=alias, mlflow_id=self._runs[run_id, None]
            )

    def find_candidate(self) -> str | None:
        """Return the run whose model has the alias `candidate`, None without one.

        Raises:
            UnavailableError: The server is away.
        """
        with self.session(), self._translating():
            found = self._registry.of_alias(CANDIDATE)
        return None if found is None else found.run_id or None

    def find_version(
        self, version: str, *, name: str | None = None
    ) -> RegisteredVersion | None:
        """Return a registered version by its number or an alias, None without one.

        Raises:
            UnavailableError: The server is away.
        """
        registry = Registry(self._client, name or self.settings.registered_model)
        with self.session(), self._translating():
            if version.isdecimal():
                return registry.of_number(int(version))
            return registry.of_alias(version)

    def describe_model(self, run_id: str, text: str) -> None:
        """Set the description of the model version that a train run made.

        Raises:
            RefusedError: The run has none.
        """
        with self._translating():
            if not self._registry.describe(run_id, text):
                message = f"{run_id}: must have a model version, got none."
                raise RefusedError(message)

    def champion_history(self) -> tuple[Change, ...]:
        """Return every change of the champion, oldest first.

        Raises:
            UnavailableError: The server is away.
        """
        with self.session(), self._translating():
            return self._registry.history()

    def promote(self, change: Change, *, description: str) -> Change:
        """Make a version champion, as `Registry.promote` says.

        Raises:
            NotFoundError: The run has no version.
            UnavailableError: The server is away, or the champion has changed.
        """
        with self.session(), self._translating():
            return self._registry.promote(change, description=description)

    def roll_back(self, *, who: str, why: str) -> Change:
        """Give the champion's alias back, as `Registry.roll_back` says.

        Raises:
            NotFoundError: There is no champion, or was none before.
            UnavailableError: The server is away.
        """
        with self.session(), self._translating():
            return self._registry.roll_back(who=who, why=why)

    @property
    def _registry(self) -> Registry:
        return Registry(self._client, self.settings.registered_model)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        from mlflow.exceptions import MlflowException
        from requests.exceptions import RequestException

        faults: tuple[type[Exception], ...] = (
            RequestException,
            OSError,
            *database_errors(),
        )
        try:
            yield
        except MlflowException as err:
            status = err.get_http_status_code()
            if 400 <= status < 500 and status not in PASSING_STATUS:  # noqa: PLR2004 - HTTP
                raise RefusedError(_first_line(err)) from err
            raise self._unavailable(err) from err
        except faults as err:
            raise self._unavailable(err) from err

    def _unavailable(self, err: Exception) -> UnavailableError:
        return UnavailableError(
            f"{self.uri}: MLflow must take what is sent, got {_first_line(err)}. Check "
            "tracking.uri (or MLFLOW_TRACKING_URI). Nothing is lost, this sends it "
            f"again: {command_line('status')}"
        )


def open_mlflow(settings: TrackingSettings, root: str) -> MlflowServer:
    """Return the tracking server in force; it is asked nothing yet.

    Args:
        settings: URI, experiment, registered model.
        root: URI of the root; SQLite lies under it.

    Raises:
        ConfigError: SQLite cannot lie in this folder.
    """
    return MlflowServer(uri=tracking_uri(settings, root), settings=settings, root=root)


def set_defaults() -> None:
    """Set the client's waits where the user has not; before MLflow is imported."""
    for name, value in CLIENT_ENVIRONMENT.items():
        os.environ.setdefault(name, value)


@contextmanager
def short_waits() -> Iterator[None]:
    """Wait 4 s at most for each answer; the client reads its variables at each call."""
    before = {name: os.environ.get(name) for name in PROBE_ENVIRONMENT}
    os.environ.update(PROBE_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def database_errors() -> tuple[type[Exception], ...]:
    """Return the database errors that MLflow passes on; none without SQLAlchemy."""
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:  # mlflow-skinny speaks to servers only
        return ()
    return (SQLAlchemyError,)


def legal_name(name: str) -> str:
    """Return a name that MLflow takes: other characters become their code.

    Two names stay two.

    Example:
        >>> legal_name("test/recall/lung, left")
        'test/recall/lung_2c_ left'
    """
    return ILLEGAL.sub(lambda match: f"_{ord(match[0]):x}_", name)


def _first_line(err: Exception) -> str:
    return str(err).partition("\n")[0]
