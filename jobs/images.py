"""First step of `predict`: list the images that are to be answered."""

from jobs.entry import StepContext, main
from lcc.predict.steps import list_new_images
from lcc.predict.task import PredictTask


def run(context: StepContext) -> None:
    """List the images and note what is known of them."""
    note = list_new_images(PredictTask.of(context))
    context.tracker.log_metrics({"predict/listed": note.num_images})


if __name__ == "__main__":
    main("images", run)
