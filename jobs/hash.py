"""Second step of `prepare`: digests, features and tiles of some shards."""

from jobs.entry import StepContext, main
from lcc.prepare.steps import hash_shards
from lcc.prepare.task import Task
from lcc.tracking.progress import ProgressPrinter


def run(context: StepContext) -> None:
    """Hash the shards of this process."""
    task = Task.of(context, progress=ProgressPrinter)
    hash_shards(
        task, process_index=context.process_index, num_processes=context.num_processes
    )


if __name__ == "__main__":
    main("hash", run)
