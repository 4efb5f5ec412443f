"""Steps as processes of this machine, so many at once."""

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lcc.backends.local.process import Child, Order, child_environment
from lcc.config.settings import Settings
from lcc.launch.outcome import Outcome, Watch, retry_after, shell_code
from lcc.launch.plan import Step
from lcc.launch.signals import StopRequest
from lcc.storage import layout
from lcc.storage.store import Store

POLL_SECONDS = 0.05
GRACE_SECONDS = 120.0  # to save a checkpoint, as a pod's grace period


@dataclass(slots=True, kw_only=True)
class LocalBackend:
    """Runs a step's processes on this machine.

    Attributes:
        store: The root.
        settings: Of the run.
        stop: Whether to stop.
    """

    store: Store
    settings: Settings
    stop: StopRequest

    def run_step(
        self,
        step: Step,
        *,
        run_id: str,
        watch: Watch,
        is_retry: bool,  # noqa: ARG002 - processes of an earlier driver are gone
    ) -> Outcome:
        """Run all processes of a step; return how it ended.

        Guarantees that no process of the step is left when it returns.

        Args:
            step: The step.
            run_id: Its run.
            watch: Called now and then with (done, total) units of work.
            is_retry: Whether its last attempt is known to have failed.
        """
        environment = child_environment(
            step, self.settings.storage, num_cores=num_cores()
        )
        settings_uri = f"{self.store.uri}/{layout.run_settings(run_id)}"
        pool = _Pool(
            step=step,
            root=self.store.uri,
            start=lambda index: Child(
                Order(
                    step=step,
                    run_id=run_id,
                    settings_uri=settings_uri,
                    index=index,
                ),
                store=self.store,
                environment=environment,
            ),
        )
        try:
            while not self.stop and pool.goes_on():
                watch(*pool.progress())
                time.sleep(POLL_SECONDS)
            watch(*pool.progress())
        finally:
            pool.end(self.stop)
        if self.stop:
            return Outcome(
                exit_code=self.stop.exit_code,
                message="stopped, all work so far is saved",
                is_stop=True,
            )
        return pool.outcome


def num_cores() -> int:
    """Return the cores that this process may use."""
    return (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else (os.cpu_count() or 1)
    )


@dataclass(slots=True, kw_only=True)
class _Pool:
    """The processes of one step: waiting, running, ended."""

    step: Step
    root: str
    start: Callable[[int], Child]
    outcome: Outcome = field(default_factory=Outcome)
    _waiting: deque[tuple[float, int]] = field(default_factory=deque)
    _running: list[Child] = field(default_factory=list)
    _failures: dict[int, int] = field(default_factory=dict)
    _ended: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._waiting.extend((0.0, index) for index in range(self.step.num_indexes))

    def goes_on(self) -> bool:
        """Look after ended processes and start due ones; return whether any is left."""
        for child in list(self._running):
            code = child.poll()
            if code is not None:
                self._running.remove(child)
                self._take(child, code)
        if self.outcome.exit_code:
            return False
        self._start_due()
        return bool(self._running or self._waiting)

    def progress(self) -> tuple[int, int]:
        """Return units done and in all; what has not started counts as the mean."""
        counts = [*self._ended.values(), *((c.done, c.total) for c in self._running)]
        known = [total for _, total in counts if total]
        total = sum(known) * self.step.num_indexes // len(known) if known else 0
        return sum(done for done, _ in counts), total

    def end(self, stop: StopRequest) -> None:
        """Ask what still runs to save and end; kill what does not in time."""
        for child in self._running:
            child.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        while any(child.poll() is None for child in self._running):
            if stop.insists or time.monotonic() > deadline:
                for child in self._running:
                    child.kill()
            time.sleep(POLL_SECONDS)
        for child in self._running:
            child.keep_log()
        self._running.clear()

    def _start_due(self) -> None:
        now = time.monotonic()
        due = [item for item in self._waiting if item[0] <= now]
        for item in due[: self.step.parallelism - len(self._running)]:
            self._waiting.remove(item)
            self._running.append(self.start(item[1]))

    def _take(self, child: Child, code: int) -> None:
        index = child.order.index
        if code == 0:
            child.keep_log()
            self._ended[index] = (child.total, child.total)
            return
        message = child.error(code)
        child.keep_log()
        self._failures[index] = self._failures.get(index, 0) + 1
        pause = retry_after(code, num_failures=self._failures[index])
        if pause is not None:
            self._waiting.append((time.monotonic() + pause, index))
        elif not self.outcome.exit_code:  # the first failure is the one to show
            self.outcome = Outcome(
                exit_code=shell_code(code),
                message=message,
                log=f"{self.root}/{child.order.log_key}",
            )
