"""Third step of `prepare`: verify which images show the same tissue, shard by shard."""

from jobs.entry import StepContext, main
from lcc.prepare.steps import link_shards
from lcc.prepare.task import Task
from lcc.tracking.progress import ProgressPrinter


def run(context: StepContext) -> None:
    """Link the shards of this process."""
    task = Task.of(context, progress=ProgressPrinter)
    link_shards(
        task, process_index=context.process_index, num_processes=context.num_processes
    )


if __name__ == "__main__":
    main("link", run)
