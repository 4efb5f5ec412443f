"""A tracking server as MLflow; the only file that talks to MLflow.

Runs are found by our tags (`lcc.run`, `lcc.trial`), never by a remembered MLflow id, so
that any process can go on where another stopped.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from lcc.config.tracking import TrackingSettings
from lcc.errors import UnavailableError
from lcc.storage.uri import local_path, scheme_of
from lcc.tracking.sender import Metric

BATCH = 1000  # most metrics that one log_batch takes
PARAMS = 100  # most parameters that one log_batch takes
# A server that is away must not hold up the driver: short waits, one more try; what was
# not taken is sent at the next call.
CLIENT_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


def tracking_uri(settings: TrackingSettings, root: str) -> str:
    """Return the tracking URI in force.

    `tracking.uri`, else `MLFLOW_TRACKING_URI`, else SQLite under a root that is a
    folder, else SQLite under `./lcc-study`.
    """
    if uri := settings.uri or os.environ.get("MLFLOW_TRACKING_URI"):
        return uri
    return f"sqlite:///{_local_folder(root) / 'mlflow.db'}"


def _local_folder(root: str) -> Path:
    if scheme_of(root) == "file":
        return local_path(root).absolute()
    return Path("lcc-study").absolute()


class MlflowServer:
    """A `TrackingServer` that is MLflow, by HTTP or on SQLite.

    Args:
        settings: URI, experiment, registered model.
        root: Root URI of the study; SQLite lies under it.
    """

    def __init__(self, settings: TrackingSettings, root: str) -> None:
        self.settings = settings
        self.root = root
        self.uri = tracking_uri(settings, root)
        self._runs: dict[tuple[str, str | None], str] = {}

    @cached_property
    def _client(self) -> Any:
        for name, value in CLIENT_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        for name in ("alembic", "mlflow"):
            logging.getLogger(name).setLevel(logging.ERROR)
        from mlflow import MlflowClient

        if self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(
                parents=True, exist_ok=True
            )
        return MlflowClient(self.uri, registry_uri=self.uri)

    @cached_property
    def _experiment_id(self) -> str:
        name = self.settings.experiment
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        place = None
        if self.uri.startswith("sqlite:"):  # else the server knows its own place
            place = (_local_folder(self.root) / "mlartifacts").as_uri()
        return str(self._client.create_experiment(name, artifact_location=place))

    def ensure_run(self, run_id: str, trial: str | None, *, start_ms: int) -> None:
        """Find the run by its tags, or create it below the stage's run."""
        with self._translating():
            if not self._runs:
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

        rows = [MlflowMetric(*metric) for metric in metrics]
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

        rows = [Param(name, value[:6000]) for name, value in params.items()]
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

    def set_status(self, run_id: str, trial: str | None, status: str) -> None:
        """Set the run's state; an ended run gets its end time."""
        mlflow_id = self._runs[run_id, trial]
        with self._translating():
            if status == "RUNNING":
                self._client.update_run(mlflow_id, status=status)
            else:
                self._client.set_terminated(mlflow_id, status=status)

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
        name = self.settings.registered_model
        with self._translating():
            version = self._version_of(name, run_id)
            if version is None:
                version = self._create_version(name, run_id, folder)
            self._client.set_registered_model_alias(name, alias, version)

    def _create_version(self, name: str, run_id: str, folder: Path) -> str:
        from mlflow.exceptions import MlflowException

        mlflow_id = self._runs[run_id, None]
        self._client.log_artifacts(mlflow_id, str(folder), "model")
        try:
            self._client.create_registered_model(name)
        except MlflowException as err:
            if err.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        run = self._client.get_run(mlflow_id)
        version = self._client.create_model_version(
            name,
            source=f"{run.info.artifact_uri}/model",
            run_id=mlflow_id,
            tags={"lcc.run": run_id},
        )
        return str(version.version)

    def _version_of(self, name: str, run_id: str) -> str | None:
        for version in self._client.search_model_versions(f"name = '{name}'"):
            if version.tags.get("lcc.run") == run_id:
                return str(version.version)
        return None

    def find_candidate(self, *, alias: str = "candidate") -> str | None:
        """Return the run id of the model version with this alias, None without one.

        Raises:
            UnavailableError: The server is away.
        """
        from mlflow.exceptions import MlflowException

        with self._translating():
            try:
                version = self._client.get_model_version_by_alias(
                    self.settings.registered_model, alias
                )
            except MlflowException as err:
                if err.error_code in {
                    "RESOURCE_DOES_NOT_EXIST",
                    "INVALID_PARAMETER_VALUE",  # the model is there, the alias is not
                }:
                    return None
                raise
        return str(version.tags["lcc.run"]) if "lcc.run" in version.tags else None

    @contextmanager
    def _translating(self) -> Iterator[None]:
        from mlflow.exceptions import MlflowException
        from requests.exceptions import RequestException

        try:
            yield
        except (MlflowException, RequestException, OSError) as err:
            first_line = str(err).partition("\n")[0]
            message = (
                f"{self.uri}: MLflow must take what is sent, got {first_line}. Check "
                "tracking.uri (or MLFLOW_TRACKING_URI); nothing is lost, "
                "`lcc-launch status` sends it again."
            )
            raise UnavailableError(message) from err
