"""The processes of one step: started as cores are free, tried again, ended in order.

Knows exit codes and pauses; how a process is started and listened to is `process`.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lcc.backends.local.process import Process
from lcc.launch.backend import StepStatus
from lcc.launch.outcome import Outcome, retry_after, shell_code
from lcc.launch.plan import Step
from lcc.launch.signals import StopRequest

POLL_SECONDS = 0.05
GRACE_SECONDS = 120.0  # to save a checkpoint, as a pod's grace period


@dataclass(slots=True, kw_only=True)
class ProcessPool:
    """The processes of one step: waiting, running, ended.

    Attributes:
        step: The step.
        root: Path or URI of the root, to name logs by.
        start: Starts the process of an index.
        backoff_seconds: Before a process is tried again.
        outcome: The first failure, or success so far.
    """

    step: Step
    root: str
    start: Callable[[int], Process]
    backoff_seconds: float
    outcome: Outcome = field(default_factory=Outcome)
    _waiting: deque[tuple[float, int]] = field(default_factory=deque)
    _running: list[Process] = field(default_factory=list)
    _failures: dict[int, int] = field(default_factory=dict)
    _ended: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._waiting.extend((0.0, index) for index in range(self.step.num_processes))

    def describe(self) -> StepStatus:
        """Look after ended processes, start due ones; return how the step stands."""
        is_over = not self._goes_on()
        done, found, total = self._progress()
        reasons = (process.waits for process in self._running)
        return StepStatus(
            done=done,
            found=found,
            total=total,
            reason=next(filter(None, reasons), ""),
            outcome=self.outcome if is_over else None,
        )

    @property
    def parting(self) -> str:
        """That processes save, which may take two minutes."""
        return "stopping: processes save their work (once more: at once)"

    def wait(self) -> None:
        """Return after a moment."""
        time.sleep(POLL_SECONDS)

    def leave(self, stop: StopRequest) -> Outcome:
        """End all processes; they save first, unless the stop is insisted on."""
        self.end(insists=lambda: stop.insists)
        return Outcome(
            exit_code=stop.exit_code,
            message="stopped, all work so far is saved",
            is_stop=True,
        )

    def _goes_on(self) -> bool:
        for process in list(self._running):
            code = process.poll()
            if code is not None:
                self._running.remove(process)
                self._take(process, code)
        if self.outcome.exit_code:
            return False
        self._start_due()
        return bool(self._running or self._waiting)

    def _progress(self) -> tuple[int, int, int]:
        """Return units done, found done, and in all.

        What has not started counts as the mean.
        """
        running = ((p.done, p.found, p.total) for p in self._running)
        counts = [*self._ended.values(), *running]
        known = [total for _, _, total in counts if total]
        total = sum(known) * self.step.num_processes // len(known) if known else 0
        done, found = (sum(count[place] for count in counts) for place in (0, 1))
        return done, found, total

    def end(self, *, insists: Callable[[], bool] = lambda: False) -> None:
        """Ask what still runs to save and end; kill what does not in time."""
        for process in self._running:
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        while any(process.poll() is None for process in self._running):
            if insists() or time.monotonic() > deadline:
                for process in self._running:
                    process.kill()
            time.sleep(POLL_SECONDS)
        for process in self._running:
            process.store_log()
        self._running.clear()

    def _start_due(self) -> None:
        now = time.monotonic()
        due = [item for item in self._waiting if item[0] <= now]
        for item in due[: self.step.parallelism - len(self._running)]:
            self._waiting.remove(item)
            self._running.append(self.start(item[1]))

    def _take(self, process: Process, code: int) -> None:
        index = process.order.index
        if code == 0:
            process.store_log()
            self._ended[index] = (process.total, process.found, process.total)
            return
        message = process.error(code)
        process.store_log()
        self._failures[index] = self._failures.get(index, 0) + 1
        pause = retry_after(
            code,
            num_failures=self._failures[index],
            backoff_seconds=self.backoff_seconds,
        )
        if pause is not None:
            self._waiting.append((time.monotonic() + pause, index))
        elif not self.outcome.exit_code:  # the first failure is the one to show
            self.outcome = Outcome(
                exit_code=shell_code(code),
                message=message,
                log=f"{self.root}/{process.order.log_key}",
            )
