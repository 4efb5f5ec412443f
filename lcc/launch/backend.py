"""The contract of a back end: it submits steps, and describes, cancels and logs runs.

Only the contract. A further back end is one folder below `lcc/backends` with one class
that keeps it; nothing else in the launcher knows where steps run.

Source: torchx' `Scheduler` (submit, describe, list, cancel, log lines) is the model.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import Field, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar

from lcc.config.load import SettingsSources
from lcc.config.settings import Settings
from lcc.launch.outcome import Outcome
from lcc.launch.plan import Plan, Stage, Step
from lcc.launch.signals import StopRequest
from lcc.launch.state import RunState
from lcc.storage.patient import Waits, make_patient
from lcc.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStatus:
    """Progress of a step that was submitted.

    Attributes:
        done: Units of work that are finished.
        found: Of these, how many an earlier attempt had finished.
        total: Units of work in all, 0 while that is unknown.
        reason: Why it does not go on, empty where it does.
        outcome: How it ended, None while it goes on.
    """

    done: int = 0
    found: int = 0
    total: int = 0
    reason: str = ""
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that `lcc-launch check` looked at.

    Attributes:
        name: What.
        text: What was found.
        remedy: How to mend it, empty where nothing needs to be mended.
        is_fault: Whether a launch would fail for it.
        is_known: Whether it could be looked at.
    """

    name: str
    text: str
    remedy: str = ""
    is_fault: bool = False
    is_known: bool = True


class SubmittedStep(Protocol):
    """A step at work, until the end of the `with` that submitted it.

    Attributes:
        parting: What to say before it is left, which may take a while.
    """

    @property
    def parting(self) -> str: ...  # noqa: D102 - see above

    def describe(self) -> StepStatus:
        """Return how the step stands now; to be asked again until it has ended."""

    def wait(self) -> None:
        """Return when there may be news, after a second at the latest."""

    def leave(self, stop: StopRequest) -> Outcome:
        """Return how the step is left where the driver was asked to stop."""


class Backend(Protocol):
    """Where steps run: processes of this machine, or Jobs of a cluster.

    Attributes:
        settings: In force, with absolute locations, as the steps know them.
        store: The root, as it is reached from here.
        parallelism: Processes of a step at once, unless the user says otherwise.
        can_detach: Whether a run can be driven from elsewhere.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]  # of all that keep it

    @property
    def settings(self) -> Settings: ...  # noqa: D102 - see above

    @property
    def store(self) -> Store: ...  # noqa: D102 - see above

    @property
    def parallelism(self) -> int: ...  # noqa: D102 - see above

    @property
    def can_detach(self) -> bool: ...  # noqa: D102 - see above

    @classmethod
    def open(
        cls, sources: SettingsSources, settings: Settings
    ) -> AbstractContextManager[Self]:
        """Give the back end that a user's settings name, until the end of `with`.

        Args:
            sources: Where the settings came from, should more have to be added.
            settings: What the sources say.

        Raises:
            ConfigError: All faults of the settings, or of what they name.
            UnavailableError: What has to answer is away.
        """

    @classmethod
    def render(
        cls, stage: Stage, sources: SettingsSources, *, values: Path | None
    ) -> str:
        """Return as text what would be submitted, such that it would work; makes none.

        Args:
            stage: The stage.
            sources: Where the user's settings come from.
            values: File with what is installed, where that is not to be asked.

        Raises:
            ConfigError: What is needed is not known; says what.
        """

    def rehearse(self, stage: Stage) -> Iterator[str]:
        """Have everything of a stage judged without running it; yield a line each.

        Raises:
            ConfigError: Nobody here can judge, or something was refused.
        """

    def summarize(self, plans: Iterable[Plan]) -> list[str]:
        """Return indented lines on where the plans run, and what they take."""

    @classmethod
    def check(cls, sources: SettingsSources, settings: Settings) -> Iterator[Finding]:
        """Yield what a launch needs and what of it is missing; looks at all it can.

        Args:
            sources: Where the settings came from, should more have to be added.
            settings: What the sources say.

        Raises:
            ConfigError: There is nothing to look at.
        """

    def check_inputs(self, stage: Stage, settings: Settings) -> None:
        """Look, before anything starts, whether steps will reach what they need.

        Raises:
            ConfigError: All that is missing, or that no step can reach.
            DataError: The source is not what it should be.
        """

    def reachable(self, settings: Settings) -> Settings:
        """Return settings whose addresses work from here, not only for the steps."""

    def open_tracking(self, port: int) -> AbstractContextManager[str]:
        """Give an address at which a browser here sees MLflow's pages.

        Args:
            port: Of this machine.

        Raises:
            ConfigError: MLflow's pages need no help, or there are none.
        """

    def tracking_hint(self, uri: str) -> str:
        """Return the address of a tracking server, or the command that opens it."""

    def submit(
        self, step: Step, *, run_id: str, settings: Settings, is_retry: bool
    ) -> AbstractContextManager[SubmittedStep]:
        """Start a step, or find it at work, until the end of `with`.

        Args:
            step: The step.
            run_id: Its run.
            settings: Of the run.
            is_retry: Whether its last attempt is known to have failed.
        """

    def detach(self, run_id: str, settings: Settings) -> None:
        """Have a run driven from elsewhere, so that this machine may go."""

    def describe(self, run_id: str) -> list[RunState]:
        """Return a run and then, of a pipeline, its stages' runs, as they stand now."""

    def list_runs(self) -> list[RunState]:
        """Return every run as it stands now, oldest first."""

    def has_driver(self, run_id: str) -> bool:
        """Return whether somebody elsewhere drives a run."""

    def cancel(self, run_id: str) -> Iterator[str]:
        """End a run, all its work saved; yield what was done.

        Raises:
            ConfigError: There is nothing to end.
        """

    def logs(
        self, run_id: str, step: str | None, *, index: int | None, follow: bool
    ) -> Iterator[str]:
        """Yield the lines that a step of a run wrote.

        Args:
            run_id: The run of one stage.
            step: The step; by default the one begun last.
            index: Only this process of the step.
            follow: Whether to go on until the step ends.

        Raises:
            NotFoundError: There is none.
        """


AnyBackend = TypeVar("AnyBackend", bound=Backend)


def make_patient_backend(
    backend: AnyBackend,
    *,
    is_hurried: Callable[[], bool],
    tell: Callable[[str], None],
) -> AnyBackend:
    """Return the same back end, whose store is waited for while it is away.

    Args:
        backend: The back end.
        is_hurried: Whether somebody asked to stop: then nothing is waited for.
        tell: Called with what is waited for, and with nothing once it is there.
    """
    store = make_patient(
        backend.store,
        backend.settings.storage,
        waits=Waits(tell=tell),
        is_hurried=is_hurried,
    )
    return replace(backend, store=store)
