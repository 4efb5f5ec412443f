"""The last words of a run: figures, where results lie, which command looks at them."""

import json
from collections.abc import Iterator

from lcc.config.settings import Settings
from lcc.launch.plan import Stage
from lcc.launch.state import RunState
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import local_path, scheme_of
from lcc.tracking.mlflow import tracking_uri

HEADLINES = (
    "test/accuracy",
    "test/balanced_accuracy",
    "test/macro_f1",
    "search/macro_f1",
    "validation/macro_f1",
)


def closing_lines(store: Store, state: RunState, settings: Settings) -> list[str]:
    """Return what to print once a run is done."""
    runs = list(state.stages.items()) or [(state.stage, state.run_id)]
    lines = [
        line for stage, run_id in runs for line in _stage_lines(store, stage, run_id)
    ]
    uri = tracking_uri(settings.tracking, store.uri)
    look = f"mlflow ui --backend-store-uri {uri}"
    lines.append(f"runs: {uri if uri.startswith('http') else look}")
    return lines


def _stage_lines(store: Store, stage: str, run_id: str) -> Iterator[str]:
    files = {
        Stage.SEARCH: "cv_results.csv",
        Stage.TRAIN: "model/model.keras",
        Stage.EVALUATE: "artifacts/report.html",
    }
    for name, value in headlines(store, run_id).items():
        yield f"{name}: {value:.3f}"
    file = files.get(Stage(stage))
    if file and store.exists(key := layout.run(run_id, file)):
        yield f"{stage}: {_shown(store, key)}"
    if stage == Stage.PREPARE and store.exists(layout.run(run_id, "catalogue.json")):
        pointer = json.loads(store.read(layout.run(run_id, "catalogue.json")))
        report = layout.catalogue(pointer["name"], pointer["digest"], "")
        yield f"catalogue: {pointer['digest'][:12]} ({_shown(store, report)})"


def headlines(store: Store, run_id: str) -> dict[str, float]:
    """Return the figures of a run that matter most, as its processes spooled them."""
    found: dict[str, float] = {}
    for item in store.list_objects(layout.run(run_id, "spool/")):
        if not item.key.endswith(".jsonl"):
            continue
        for line in store.read(item.key).splitlines():
            event = json.loads(line)
            if event["kind"] == "metrics" and event["trial"] is None:
                found |= event["values"]
    return {name: found[name] for name in HEADLINES if name in found}


def _shown(store: Store, key: str) -> str:
    """Return a path where it is one: a terminal opens it with a click."""
    if scheme_of(store.uri) == "file":
        return str(local_path(store.uri) / key)
    return f"{store.uri}/{key}"
