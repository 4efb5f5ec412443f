"""Which trained model a word means: a train run, or an alias of the registry.

Knows runs and aliases; not what is done with a model.
"""

from difflib import get_close_matches
from typing import Protocol

from lcc.config.commands import command_line
from lcc.errors import NotFoundError
from lcc.launch.evaluations import evaluations_of
from lcc.launch.plan import Stage
from lcc.launch.state import RunStatus, read_states
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri
from lcc.tracking.registry import RegisteredVersion

CHAMPION, CANDIDATE = "champion", "candidate"
ALIASES = (CHAMPION, CANDIDATE)


class Aliases(Protocol):
    """What is asked of a registry."""

    def find_champion(self) -> RegisteredVersion | None:
        """Return the version with alias `champion`, None without one."""

    def find_candidate(self) -> str | None:
        """Return the run whose model has the alias `candidate`, None without one."""


def run_of_alias(server: Aliases, alias: str) -> str:
    """Return the train run whose model has an alias.

    Raises:
        NotFoundError: No model has it.
    """
    if alias == CHAMPION:
        version = server.find_champion()
        run_id = version.run_id if version else None
        remedy = f"Make one: {command_line('promote')}"
    else:
        run_id = server.find_candidate()
        remedy = f"Train one: {command_line('train')}"
    if not run_id:
        message = f"{alias}: must be the alias of a model of lcc, got none. {remedy}"
        raise NotFoundError(message)
    return run_id


def check_trained(store: Store, model_run: str) -> None:
    """Look whether a train run has left its model.

    Raises:
        NotFoundError: There is no such run, or its model is gone.
    """
    if store.exists(layout.model_card(model_run)) and store.exists(
        layout.model(model_run)
    ):
        return
    known = [
        state.run_id
        for state in read_states(store)
        if state.stage == Stage.TRAIN and state.status is RunStatus.DONE
    ]
    near = get_close_matches(model_run, known, n=1)
    if model_run in known:
        hint = "Its model is gone: bring it back, or train again."
    elif near:
        hint = f"Did you mean {near[0]}?"
    else:
        hint = f"Trained runs: {', '.join(known) or 'none'}."
    message = (
        f"{model_run}: must be a train run of {shown_uri(store.uri)} that left a "
        f"model. {hint}"
    )
    raise NotFoundError(message)


def evaluation_of(store: Store, model_run: str) -> str | None:
    """Return the latest evaluation of a train run on its sealed test, None without."""
    return next(iter(evaluations_of(store, model_run)), None)
