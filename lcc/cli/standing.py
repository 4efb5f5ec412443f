"""How a run stands: what its driver wrote, put right by the Jobs that there are."""

from typing import TYPE_CHECKING

from lcc.cli.site import Site
from lcc.errors import NotFoundError
from lcc.launch.state import RunState, read_state, read_states

if TYPE_CHECKING:
    from lcc.backends.kubernetes.jobs import Inventory


def take_inventory_of(site: Site) -> "Inventory":
    """Return the Jobs of the site's namespace; none on this machine."""
    from lcc.backends.kubernetes.jobs import Inventory, take_inventory

    return take_inventory(site.cluster) if site.cluster else Inventory()


def latest_run(site: Site, run_id: str | None) -> str:
    """Return the run that is named, or the latest that belongs to no other.

    Raises:
        NotFoundError: There is no run at all.
    """
    if run_id is not None:
        return run_id
    states = [state for state in read_states(site.store) if state.study is None]
    if not states:
        message = (
            f"{site.store.uri}: must hold a run, got none. Start one, or check --root."
        )
        raise NotFoundError(message)
    return states[-1].run_id


def read_standing(
    site: Site, run_id: str, inventory: "Inventory"
) -> tuple[RunState, list[RunState]]:
    """Return a run and, of a pipeline, its stages' runs, as they stand now."""
    from lcc.backends.kubernetes.jobs import waiting, with_jobs

    state = with_jobs(read_state(site.store, run_id), inventory)
    parts = [read_state(site.store, part) for part in state.stages.values()]
    parts = [with_jobs(part, inventory) for part in parts]
    if site.cluster is not None:
        for own in (state, *parts):
            jobs = [job for job in inventory.of(own.run_id) if job.run_id == own.run_id]
            reasons = waiting(site.cluster, jobs)
            for step in own.steps:
                step.reason = reasons.get(step.name, step.reason)
    return state, parts
