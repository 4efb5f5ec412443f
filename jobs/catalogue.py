"""Last step of `prepare`: families and checked splits, as a catalogue."""

from jobs.entry import StepContext, main
from lcc.prepare.assembly import build_catalogue
from lcc.prepare.summary import count_metrics
from lcc.prepare.task import Task
from lcc.storage import layout
from lcc.storage.pointers import write_catalogue_pointer
from lcc.tracking.progress import ProgressPrinter


def run(context: StepContext) -> None:
    """Build the catalogue and report its counts."""
    task = Task.of(context, progress=ProgressPrinter)
    built = build_catalogue(task)
    digest = built.catalogue.digest
    write_catalogue_pointer(context.store, context.run_id, task.name, digest)
    tracker = context.tracker
    tracker.set_tags({"lcc.catalogue": digest})
    tracker.log_input(
        name=task.name, digest=digest, source=built.source, context="prepare"
    )
    tracker.log_metrics(count_metrics(built.summary))
    tracker.log_artifact("audit.json", layout.audit(task.name, digest))
    tracker.log_artifact("splits.json", layout.splits(task.name, digest))


if __name__ == "__main__":
    main("catalogue", run)
