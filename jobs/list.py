"""First step of `prepare`: list the images of the source."""

from jobs.entry import StepContext, main
from lcc.prepare.steps import list_images
from lcc.prepare.task import Task
from lcc.tracking.progress import ProgressPrinter


def run(context: StepContext) -> None:
    """List the source and write the listing."""
    listing = list_images(Task.of(context, progress=ProgressPrinter))
    context.tracker.log_metrics({"prepare/listed": len(listing)})


if __name__ == "__main__":
    main("list", run)
