"""First step of `prepare`: list the images of the source."""

from jobs.entry import StepContext, main
from lcc.data.task import Task
from lcc.prepare.steps import list_images
from lcc.tracking.progress import ProgressPrinter


def run(context: StepContext) -> None:
    """List the source and keep the listing."""
    task = Task(
        run_id=context.run_id,
        store=context.store,
        settings=context.settings,
        scratch=context.scratch,
        progress=ProgressPrinter,
    )
    context.tracker.log_metrics({"prepare/listed": len(list_images(task))})


if __name__ == "__main__":
    main("list", run)
