"""The back end that runs steps as Jobs of a cluster.

Puts together what the other modules of this folder do; does nothing of it itself.
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

from lcc.backends.kubernetes import cancel, preflight, printing
from lcc.backends.kubernetes.chart import CHART_ROOT, chart_settings, use_secrets
from lcc.backends.kubernetes.checkup import check_cluster
from lcc.backends.kubernetes.interface import Cluster, Object
from lcc.backends.kubernetes.job import build_manifests, order_job, owned_by
from lcc.backends.kubernetes.jobs import (
    OwnJob,
    running_progress,
    take_inventory,
    waiting_reasons,
    with_jobs,
)
from lcc.backends.kubernetes.labels import ATTEMPT, DRIVER, select
from lcc.backends.kubernetes.logs import newest_job, read_pod_logs
from lcc.backends.kubernetes.monitor import JobMonitor, Patience
from lcc.backends.kubernetes.pod import JobOrder
from lcc.backends.kubernetes.port_forward import (
    AddressRewriter,
    forward_port,
    service_of,
)
from lcc.backends.kubernetes.render import (
    DEFAULT_PARALLELISM,
    render_stage,
    stage_manifests,
)
from lcc.backends.kubernetes.resources import cluster_lines
from lcc.backends.kubernetes.status import job_facts
from lcc.backends.kubernetes.subject import fault
from lcc.backends.kubernetes.watch import follow_job
from lcc.config import environment
from lcc.config.commands import command_line
from lcc.config.load import SettingsSources, changed_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.launch.backend import Finding
from lcc.launch.logs import read_stored_logs
from lcc.launch.messages import nothing_to_cancel
from lcc.launch.mlflow_sync import tracking_server
from lcc.launch.plan import Plan, Stage, Step
from lcc.launch.resolve import resolve_inputs, resolve_locations
from lcc.launch.state import RunState, RunStatus, read_state, read_states
from lcc.storage.store import Store
from lcc.storage.uri import bucket_hint, open_store, scheme_of
from lcc.tracking.mlflow import open_mlflow


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesBackend:
    """Runs a step's processes as the pods of one Job, as `lcc.launch.backend` promises.

    A driver that dies leaves its Jobs at work; the next one finds them by their labels.

    Attributes:
        cluster: Where.
        settings: In force.
        store: The root, as it is reached from here.
        rewriter: Makes addresses inside the cluster work from here; None in a pod,
            where they do.
        patience: How long a Job is waited for.
    """

    cluster: Cluster
    settings: Settings
    store: Store
    rewriter: AddressRewriter | None = None
    patience: Patience = field(default_factory=Patience)

    @classmethod
    @contextmanager
    def open(cls, sources: SettingsSources, settings: Settings) -> Iterator[Self]:
        """Give the back end of a cluster, with what its chart left there."""
        from lcc.backends.kubernetes.client import open_cluster

        with ExitStack() as stack:
            cluster = open_cluster(settings.cluster)
            stack.callback(cluster.close)
            base = chart_settings(cluster, settings.cluster.release)
            if base is None:
                _check_root(settings, cluster.namespace)
            else:
                settings = sources.with_base(*base).load()
            if settings.storage.root is not None:
                _check_bucket(settings.storage.root)
            here = {"cluster.namespace": cluster.namespace}
            settings = changed_settings(_resolved(settings), here)
            use_secrets(cluster, settings.cluster, os.environ)
            is_pod = environment.POD_NAME in os.environ
            rewriter = None if is_pod else AddressRewriter(cluster, stack)
            reachable = rewriter.rewrite(settings) if rewriter else settings
            yield cls(
                cluster=cluster,
                settings=settings,
                store=open_store(str(reachable.storage.root), reachable.storage),
                rewriter=rewriter,
            )

    @classmethod
    def render(
        cls, stage: Stage, sources: SettingsSources, *, values: Path | None
    ) -> str:
        """Return the manifests of a stage, for `kubectl apply -f -`.

        With the installed chart's settings, and the very inputs that a launch would
        take; or with those of `values`, and no cluster is asked. A bucket of the
        user's own needs no chart, and no cluster either.
        """
        if values is not None:
            found = printing.settings_of_file(sources, values, stage)
            return render_stage(stage, _resolved(found))
        settings = sources.load()
        is_own = _has_own_bucket(settings)
        try:
            printing.check_readable(settings, needs_chart=not is_own)
        except ConfigError:
            if not is_own:
                raise
            printing.check_complete(settings, stage)
            return render_stage(stage, _resolved(settings))
        with cls.open(sources, settings) as backend:
            server = tracking_server(backend, backend.settings)
            found = resolve_inputs(
                backend.settings, stage, backend.store, server=server
            )
        return render_stage(stage, found)

    @property
    def parallelism(self) -> int:
        """A few pods."""
        return DEFAULT_PARALLELISM

    @property
    def can_detach(self) -> bool:
        """Yes: by a Job."""
        return True

    def rehearse(self, stage: Stage) -> Iterator[str]:
        """Have the API server judge every object of a stage."""
        self.check_inputs(stage, self.settings)
        for manifest in stage_manifests(stage, self.settings):
            self.cluster.create(manifest, dry_run=True)
            kind, name = manifest["kind"], manifest["metadata"]["name"]
            yield f"{kind.lower()}/{name} created (server dry run)"

    def summarize(self, plans: Iterable[Plan]) -> list[str]:
        """Return namespace, resources of pods, image and the most GPU-hours."""
        return cluster_lines(plans, self.settings)

    @classmethod
    def check(cls, sources: SettingsSources, settings: Settings) -> Iterator[Finding]:
        """Yield what a launch needs of the cluster, before and after an install."""
        from lcc.backends.kubernetes.client import open_cluster

        try:
            cluster = open_cluster(settings.cluster)
        except ConfigError as err:
            yield fault("kubeconfig", err)
            return
        with closing(cluster), ExitStack() as stack:
            reach = AddressRewriter(cluster, stack).rewrite
            yield from check_cluster(cluster, sources, reach=reach)

    def check_inputs(self, stage: Stage, settings: Settings) -> None:
        """Look for what pods name and somebody else makes, and can read."""
        preflight.check_prerequisites(self.cluster, stage, settings)
        preflight.check_source(stage, settings, self.reachable(settings).storage)

    def reachable(self, settings: Settings) -> Settings:
        """Return settings whose addresses lead into the cluster from here."""
        return settings if self.rewriter is None else self.rewriter.rewrite(settings)

    @contextmanager
    def open_tracking(self, port: int) -> Iterator[str]:
        """Forward a port of this machine to MLflow in the cluster."""
        uri = self.settings.tracking.uri or ""
        if (found := service_of(uri)) is None:
            message = (
                f"tracking.uri: must be a Service of a cluster, got {uri or 'none'}. "
                "Open it with a browser."
            )
            raise ConfigError(message)
        with forward_port(self.cluster, *found, local_port=port) as local:
            here = {"tracking.uri": f"http://127.0.0.1:{local}"}
            tracking = changed_settings(self.settings, here).tracking
            yield open_mlflow(tracking, self.store.uri).page()

    def tracking_hint(self, uri: str) -> str:
        """Return the address of a server, or the command that forwards to it."""
        return command_line("mlflow") if service_of(uri) else uri

    @contextmanager
    def submit(
        self, step: Step, *, run_id: str, settings: Settings, is_retry: bool
    ) -> Iterator[JobMonitor]:
        """Create a step's Job, or find the one that there is, and follow it."""
        attempt = self._find_attempt(step, run_id, is_retry=is_retry)
        order = order_job(step, settings, run_id=run_id, attempt=attempt)
        self._create(order)
        selector = select(run=run_id, step=step.name, attempt=str(attempt))
        pause = self.patience.pause_seconds
        with follow_job(self.cluster, selector, pause_seconds=pause) as view:
            monitor = JobMonitor(
                cluster=self.cluster,
                view=view,
                job=order.name,
                run_id=run_id,
                step=step,
                settings=settings,
                patience=self.patience,
            )
            yield monitor

    def _create(self, order: JobOrder) -> None:
        """Create what one attempt at a step is made of, where it is not there yet."""
        job, *others = build_manifests(order)
        made = self.cluster.create(job) or self.cluster.read("Job", order.name)
        for manifest in others:
            if made is not None:  # else it was deleted this moment
                self.cluster.create(owned_by(manifest, made))

    def _find_attempt(self, step: Step, run_id: str, *, is_retry: bool) -> int:
        """Return the attempt to go on with, or a new one after a known failure."""
        selector = select(run=run_id, step=step.name)
        pages = self.cluster.pages("Job", selector)
        jobs = [job for page in pages for job in page.items]
        if not jobs:
            return 1
        last = max(jobs, key=_attempt)
        is_leaving = "deletionTimestamp" in last["metadata"]
        is_over = bool(job_facts(last).failure) or is_leaving
        return _attempt(last) + (is_retry and is_over)

    def detach(self, run_id: str, settings: Settings) -> None:
        """Create the Job that drives a run from inside the cluster.

        A run that had a driver before gets a new one.
        """
        pages = self.cluster.pages("Job", select(run=run_id, step=DRIVER))
        attempt = 1 + sum(len(page.items) for page in pages)
        order = order_job(Step(name=DRIVER), settings, run_id=run_id, attempt=attempt)
        self._create(order)

    def describe(self, run_id: str) -> list[RunState]:
        """Return a run and its stages' runs as their Jobs have them, and why they wait.

        The driver that wrote their states may be dead or away.
        """
        inventory = take_inventory(self.cluster)
        state = read_state(self.store, run_id)
        runs = [state, *(read_state(self.store, i) for i in state.stages.values())]
        runs = [with_jobs(run, inventory) for run in runs]
        for run in runs:
            own = [job for job in inventory.of(run.run_id) if job.run_id == run.run_id]
            reasons = waiting_reasons(self.cluster, own)
            progress = running_progress(self.cluster, self.store, own)
            for step in run.steps:
                step.reason = reasons.get(step.name, step.reason)
                step.running = progress.get(step.name, {})
        return runs

    def list_runs(self) -> list[RunState]:
        """Return every run as its Jobs have it, oldest first."""
        inventory = take_inventory(self.cluster)
        return [with_jobs(state, inventory) for state in read_states(self.store)]

    def has_driver(self, run_id: str) -> bool:
        """Return whether a Job of the cluster drives a run."""
        return take_inventory(self.cluster).has_driver(run_id)

    def cancel(self, run_id: str) -> Iterator[str]:
        """Delete what of a run's Jobs has not ended; its records say so.

        Pods save and go. What has ended stays: its Jobs, pods and records.

        Raises:
            ConfigError: The run has ended.
        """
        state = with_jobs(read_state(self.store, run_id), take_inventory(self.cluster))
        if state.status not in {RunStatus.RUNNING, RunStatus.LOST}:
            raise nothing_to_cancel(state)
        server_of = partial(tracking_server, self)
        run_ids = [run_id, *state.stages.values()]
        number = cancel.delete_jobs(self.cluster, run_ids)
        if number:
            yield f"{number} jobs deleted, their pods save and go"
        try:
            cancel.wait_for_pods(self.cluster, run_ids)
        finally:
            for own in reversed(run_ids):
                cancel.record_cancelled(self.store, own, server_of)
        yield "cancelled"

    def logs(
        self, run_id: str, step: str | None, *, index: int | None, follow: bool
    ) -> Iterator[str]:
        """Yield the lines of a step's pods; of pods that are gone, what they left."""
        is_empty = True
        for job in self._jobs_to_read(run_id, step, follow=follow):
            for line in read_pod_logs(self.cluster, job, follow=follow, index=index):
                is_empty = False
                yield line
        if is_empty:
            yield from read_stored_logs(self.store, run_id, step, index=index)

    def _jobs_to_read(
        self, run_id: str, step: str | None, *, follow: bool
    ) -> Iterator[OwnJob]:
        """Yield the newest Job; with `follow` those that come after, to the end."""
        told: set[str] = set()
        while True:
            job = newest_job(self.cluster, run_id, step)
            if job is not None and job.facts.name not in told:
                told.add(job.facts.name)
                yield job
            elif not follow or step is not None or not self._is_running(run_id):
                return
            else:
                time.sleep(self.patience.tick_seconds)

    def _is_running(self, run_id: str) -> bool:
        state = with_jobs(read_state(self.store, run_id), take_inventory(self.cluster))
        return state.status is RunStatus.RUNNING


def _resolved(settings: Settings) -> Settings:
    return resolve_locations(settings, default_root=CHART_ROOT)


def _attempt(job: Object) -> int:
    return int(job["metadata"]["labels"].get(ATTEMPT, 1))


def _check_root(settings: Settings, namespace: str) -> None:
    """Refuse to work without a chart, unless in a bucket of the user's own.

    Raises:
        ConfigError: There is no root.
    """
    if settings.storage.root is None and settings.storage.endpoint_url is None:
        message = (
            f"namespace {namespace}: must hold an installed chart, got none. Pass "
            "another --namespace, set storage.root for a bucket of your own, or "
            f"install it: helm install lcc charts/lcc -n {namespace}"
        )
        raise ConfigError(message)


def _check_bucket(root: str) -> None:
    """Refuse a root that pods do not reach.

    Raises:
        ConfigError: It is a folder of this machine.
    """
    if scheme_of(root) == "file":
        message = (
            f"storage.root: must be s3://… on a cluster, got {root}. "
            f"{bucket_hint(root)}Pass --local to work in a folder."
        )
        raise ConfigError(message)


def _has_own_bucket(settings: Settings) -> bool:
    """Return whether the user names a bucket, so that no chart is needed."""
    storage = settings.storage
    is_bucket = (storage.root or "").startswith("s3://")
    return is_bucket or storage.endpoint_url is not None
