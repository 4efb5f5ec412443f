"""First step of `prepare`: list the images of the source."""

from jobs.entry import StepContext, main
from lcc.evaluate.outside_inputs import told_classes
from lcc.prepare.steps import list_images
from lcc.prepare.task import Task
from lcc.tracking.progress import ProgressPrinter


def run(context: StepContext) -> None:
    """List the source and write the listing."""
    listing = list_images(Task.of(context, progress=ProgressPrinter))
    if context.settings.evaluate.data is not None:  # hours before it would be said
        told_classes(context.settings, context.store, listing.class_names)
    context.tracker.log_metrics({"prepare/listed": len(listing)})


if __name__ == "__main__":
    main("list", run)
