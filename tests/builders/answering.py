"""A trained model as it lies under a root, of a network that never learned."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from lcc.config.load import changed_settings, dump_settings
from lcc.data.catalogue import SCHEMA, write_catalogue
from lcc.evaluate.novelty import Threshold, know_tissue, write_known
from lcc.launch.state import write_state
from lcc.predict.rules import AnswerRules
from lcc.predict.sizes import TrainingSizes
from lcc.predict.task import PredictTask
from lcc.storage import layout
from lcc.storage.local import LocalStore
from tests.builders.launches import a_state, a_store, local_settings
from tests.builders.pictures import LABELS

MODEL_RUN = "train-20261128-0900-aaaa"
EVALUATION = "evaluate-20261128-0910-aaaa"
PREDICT_RUN = "predict-20261128-0920-aaaa"
SIDE_PX = 16
SIZES = TrainingSizes(shortest_px=48, longest_px=48)
RULES = AnswerRules(class_names=LABELS, side_px=SIDE_PX, sha256="ab", catalogue="cd")


def a_trained_model(
    store: LocalStore, run_id: str = MODEL_RUN, *, content: bytes = b"no network"
) -> str:
    """Write a train run on images of 48 px that has left these bytes as its model."""
    row = dict.fromkeys(SCHEMA.names) | {"width_px": 48, "height_px": 48}
    rows = [row | {"path": f"{n}.png", "label": n, "status": "kept"} for n in LABELS]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    catalogue = write_catalogue(store, table, name="lung")
    card = {
        "class_names": LABELS,
        "tile_size_px": SIDE_PX,
        "sha256": hashlib.sha256(content).hexdigest(),
        "catalogue": catalogue.digest,
    }
    store.write(layout.model(run_id), content)
    store.write(layout.model_card(run_id), json.dumps(card).encode())
    _write_run(store, run_id, **{"data.name": "lung"})
    return run_id


def an_evaluation(
    store: LocalStore,
    run_id: str = EVALUATION,
    *,
    model_run: str = MODEL_RUN,
    threshold: float = 0.5,
    references: np.ndarray | None = None,
    **changes: object,
) -> str:
    """Write an evaluation of it that has set a temperature and a threshold."""
    document = {
        "calibration": {"temperature": 2.0},
        "abstention": {"threshold": threshold, "max_error": 0.01},
    }
    store.write(layout.metrics(run_id), json.dumps(document).encode())
    if references is not None:
        known = know_tissue(references)
        known = type(known)(
            references=known.references,
            neighbour=known.neighbour,
            threshold=Threshold(value=0.5),
        )
        store.write(layout.evaluation(run_id, "novelty.npz"), write_known(known))
    _write_run(store, run_id, **{"evaluate.model_run": model_run} | changes)
    return run_id


def _write_run(store: LocalStore, run_id: str, **changes: object) -> None:
    settings = changed_settings(local_settings(store), changes)
    store.write(layout.run_settings(run_id), dump_settings(settings).encode())
    write_state(store, a_state(run_id))


def a_predict_task(
    folder: Path, source: Path, *, run_id: str = PREDICT_RUN, **predict: object
) -> PredictTask:
    """Return a task of a predict run on a folder; shards have four images."""
    store = a_store(folder)
    own = {"source": source.as_uri(), "model_run": MODEL_RUN, "shard_images": 4}
    changes = {f"predict.{name}": value for name, value in (own | predict).items()}
    scratch = folder / f"scratch-{run_id}"
    scratch.mkdir(exist_ok=True)
    return PredictTask(
        run_id=run_id,
        store=store,
        settings=changed_settings(local_settings(store), changes),
        scratch=scratch,
    )
