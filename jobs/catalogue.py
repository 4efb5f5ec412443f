"""Last step of `prepare`: families, splits and their proof, as a catalogue."""

import json

from jobs.entry import StepContext, main
from lcc.data.task import Task
from lcc.prepare.assembly import build_catalogue
from lcc.prepare.summary import describe
from lcc.storage import layout
from lcc.tracking.progress import ProgressPrinter


def run(context: StepContext) -> None:
    """Build the catalogue and report its counts."""
    task = Task(
        run_id=context.run_id,
        store=context.store,
        settings=context.settings,
        scratch=context.scratch,
        progress=ProgressPrinter,
    )
    built = build_catalogue(task)
    digest = built.catalogue.digest
    pointer = json.dumps({"name": task.name, "digest": digest}).encode()
    context.store.write(layout.run(context.run_id, "catalogue.json"), pointer)
    tracker = context.tracker
    tracker.set_tags({"lcc.catalogue": digest})
    tracker.log_input(
        name=task.name, digest=digest, source=built.source, context="prepare"
    )
    tracker.log_metrics(describe(built.audit))
    tracker.log_artifact("audit.json", json.dumps(built.audit, indent=1).encode())
    tracker.log_artifact("splits.json", json.dumps(built.proof, indent=1).encode())


if __name__ == "__main__":
    main("catalogue", run)
