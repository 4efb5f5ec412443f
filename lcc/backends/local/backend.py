"""The back end that runs steps as processes of this machine.

Knows how many run at once and which are tried again; one process is in `process`.
"""

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lcc.backends.local.pool import ProcessPool
from lcc.backends.local.process import ProcessOrder, process_environment, start_process
from lcc.config.document import to_yaml
from lcc.config.load import SettingsSources
from lcc.config.settings import Settings
from lcc.errors import ConfigError, DataError
from lcc.launch.backend import Finding
from lcc.launch.logs import follow_stored_logs, read_stored_logs
from lcc.launch.messages import mlflow_command, nothing_to_cancel
from lcc.launch.outcome import BACKOFF_SECONDS
from lcc.launch.plan import Plan, Stage, Step, plans_of, source_of
from lcc.launch.resolve import LOCAL_ROOT, resolve_locations
from lcc.launch.state import RunState, RunStatus, read_state, read_states
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import local_path, open_store, scheme_of, shown_uri
from lcc.tracking.location import tracking_uri
from lcc.tracking.moved import mend_locations


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBackend:
    """Runs steps as processes of this machine, as `lcc.launch.backend` promises.

    Attributes:
        settings: In force.
        store: The root.
        backoff_seconds: Before a step is tried again.
    """

    settings: Settings
    store: Store
    backoff_seconds: float = BACKOFF_SECONDS

    @classmethod
    @contextmanager
    def open(cls, sources: SettingsSources, settings: Settings) -> Iterator[Self]:  # noqa: ARG003 - of the contract
        """Give the back end of a root."""
        settings = _resolved(settings)
        store = open_store(str(settings.storage.root), settings.storage)
        mend_locations(store.uri)
        yield cls(settings=settings, store=store)

    @classmethod
    def render(
        cls, stage: Stage, sources: SettingsSources, *, values: Path | None
    ) -> str:
        """Return the plan of processes, and the settings, as YAML.

        Raises:
            ConfigError: A chart's values are given.
        """
        if values is not None:
            message = (
                f"--values: is of a cluster, got {values} with --local. Remove it."
            )
            raise ConfigError(message)
        settings = _resolved(sources.load())
        plans = plans_of(stage, settings, parallelism=num_cores())
        stages = [{"stage": str(p.stage), "steps": p.describe()} for p in plans]
        document = settings.model_dump(mode="json")
        return to_yaml({"stages": stages, "settings": document})

    @property
    def parallelism(self) -> int:
        """One process per core."""
        return num_cores()

    @property
    def can_detach(self) -> bool:
        """No: there is no other machine."""
        return False

    def rehearse(self, stage: Stage) -> Iterator[str]:  # noqa: ARG002 - of the contract
        """Refuse: there is no server.

        Raises:
            ConfigError: Always.
        """
        message = "--dry-run: server needs a cluster, got --local. Use client."
        raise ConfigError(message)

    def summarize(self, plans: Iterable[Plan]) -> list[str]:
        """Return on how many cores the plans run, and what a training takes."""
        steps = {step.name for plan in plans for step in plan.steps}
        gpus, device = self.settings.launch.gpus, self.settings.train.device
        replicas = f"training on {gpus} × {device}" if gpus else "training on the CPU"
        trains = f", {replicas}" if steps & {"trial", "train"} else ""
        return [f"  {'on':<10}{num_cores()} cores{trains}"]

    @classmethod
    def check(cls, sources: SettingsSources, settings: Settings) -> Iterator[Finding]:  # noqa: ARG003 - of the contract
        """Refuse: there is no cluster to look at.

        Raises:
            ConfigError: Always.
        """
        message = "check: looks at a cluster, got --local. Pass --namespace."
        raise ConfigError(message)

    def check_inputs(self, stage: Stage, settings: Settings) -> None:
        """Look whether the source is a folder.

        Raises:
            DataError: The source is no folder.
        """
        _, source = source_of(stage, settings) or ("", None)
        if source is None:
            return
        if scheme_of(source) == "file" and not local_path(source).is_dir():
            found = "a file" if local_path(source).exists() else "none"
            held = "images" if stage is Stage.PREDICT else "one folder per class"
            message = (
                f"{local_path(source)}: must be a folder with {held}, got {found}. "
                "Check the path."
            )
            raise DataError(message)

    def reachable(self, settings: Settings) -> Settings:
        """Return the settings: processes here reach what this one reaches."""
        return settings

    @contextmanager
    def open_tracking(self, port: int) -> Iterator[str]:  # noqa: ARG002 - of the contract
        """Refuse: a browser of this machine needs no help.

        Raises:
            ConfigError: Always; says how MLflow is opened.
        """
        uri = tracking_uri(self.settings.tracking, self.store.uri)
        is_server = uri.startswith("http")
        look = uri if is_server else mlflow_command(uri)
        message = (
            f"tracking.uri: must be a Service of a cluster, got {uri}. Open it: {look}"
        )
        raise ConfigError(message)
        yield

    def tracking_hint(self, uri: str) -> str:
        """Return the address itself."""
        return uri

    @contextmanager
    def submit(
        self,
        step: Step,
        *,
        run_id: str,
        settings: Settings,
        is_retry: bool,  # noqa: ARG002 - processes of an earlier driver are gone
    ) -> Iterator[ProcessPool]:
        """Start a step's processes; none of them is left at the end of `with`."""
        environment = process_environment(step, settings.storage, num_cores=num_cores())
        uri = f"{self.store.uri}/{layout.run_settings(run_id)}"
        pool = ProcessPool(
            step=step,
            root=shown_uri(self.store.uri),
            start=lambda index: start_process(
                ProcessOrder(step=step, run_id=run_id, settings_uri=uri, index=index),
                store=self.store,
                environment=environment,
            ),
            backoff_seconds=self.backoff_seconds,
        )
        try:
            yield pool
        finally:
            pool.end()

    def detach(self, run_id: str, settings: Settings) -> None:  # noqa: ARG002 - of the contract
        """Refuse, as `can_detach` says.

        Raises:
            ConfigError: Always.
        """
        message = f"run {run_id}: must be driven here. Leave out --detach."
        raise ConfigError(message)

    def describe(self, run_id: str) -> list[RunState]:
        """Return a run and its stages' runs, as their drivers wrote them."""
        state = read_state(self.store, run_id)
        return [state, *(read_state(self.store, i) for i in state.stages.values())]

    def list_runs(self) -> list[RunState]:
        """Return every run, oldest first."""
        return read_states(self.store)

    def has_driver(self, run_id: str) -> bool:  # noqa: ARG002 - of the contract
        """Return False: a driver of this machine is in the run's state."""
        return False

    def cancel(self, run_id: str) -> Iterator[str]:
        """Ask the driver of a run to stop; it saves and ends all.

        Raises:
            ConfigError: The run has ended, or is driven elsewhere.
        """
        state = read_state(self.store, run_id)
        if state.status is not RunStatus.RUNNING:
            raise nothing_to_cancel(state)
        if state.driver.host != os.uname().nodename:
            message = (
                f"run {run_id}: must be driven on this machine, got {state.driver.host}"
                ". Cancel it there."
            )
            raise ConfigError(message)
        os.kill(int(state.driver.pid), signal.SIGTERM)
        yield "asked to stop"

    def logs(
        self,
        run_id: str,
        step: str | None,
        *,
        index: int | None,
        follow: bool,
    ) -> Iterator[str]:
        """Yield the lines that a step's processes wrote so far, or as they write."""
        if not follow:
            return read_stored_logs(self.store, run_id, step, index=index)
        return follow_stored_logs(
            self.store,
            run_id,
            step,
            index=index,
            is_over=lambda: self._is_over(run_id, step),
        )

    def _is_over(self, run_id: str, step: str | None) -> bool:
        state = read_state(self.store, run_id)
        own = next((own for own in state.steps if own.name == step), None)
        waits = {RunStatus.RUNNING, RunStatus.WAITING}
        return state.status is not RunStatus.RUNNING or (
            own is not None and own.status not in waits
        )


def _resolved(settings: Settings) -> Settings:
    return resolve_locations(settings, default_root=LOCAL_ROOT)


def num_cores() -> int:
    """Return the cores that this process may use."""
    return (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else (os.cpu_count() or 1)
    )
