"""How a run that did not finish is told: what happened, where to look, how to go on."""

from lcc.config.launch import Backend
from lcc.config.settings import Settings
from lcc.errors import ConfigError, RunFailed, Stopped
from lcc.launch.outcome import Outcome
from lcc.launch.state import RunState


class StepFailed(RunFailed):
    """A step failed for good; exits with the code of its process."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class RunStopped(Stopped):
    """The driver was asked to stop; exits with the code of the signal."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def place_of(settings: Settings) -> str:
    """Return the flag that leads a later command to the same place."""
    if settings.launch.backend is Backend.KUBERNETES:
        return f"-n {settings.cluster.namespace}"
    return f"--root {settings.storage.root}"


def failure(state: RunState, outcome: Outcome, settings: Settings) -> Exception:
    """Return the error of a run that ended without its result."""
    whole = state.study or state.run_id  # a stage alone leaves its study unfinished
    resume = f"lcc-launch resume {whole} {place_of(settings)}"
    if outcome.is_stop:
        message = f"{state.run_id}: {outcome.message}. Go on: {resume}"
        return RunStopped(message, exit_code=outcome.exit_code)
    log = f"\nlog: {outcome.log}" if outcome.log else ""
    if outcome.exit_code == ConfigError.exit_code:  # a run's settings never change
        remedy = "After changing the settings start again; finished parts are kept."
    else:
        remedy = f"After mending it: {resume}"
    message = f"{outcome.message}{log}\n{remedy}"
    return StepFailed(message, exit_code=outcome.exit_code)
