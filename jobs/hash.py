"""Second step of `prepare`: digests, features and tiles of some slices."""

from jobs.entry import StepContext, main
from lcc.data.task import Task
from lcc.prepare.steps import hash_slices
from lcc.tracking.progress import ProgressPrinter


def run(context: StepContext) -> None:
    """Hash the slices of this process."""
    task = Task(
        run_id=context.run_id,
        store=context.store,
        settings=context.settings,
        scratch=context.scratch,
        progress=ProgressPrinter,
    )
    hash_slices(task, index=context.process_index, num_indexes=context.num_processes)


if __name__ == "__main__":
    main("hash", run)
