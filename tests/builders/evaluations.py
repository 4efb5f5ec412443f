"""Evaluations that a root holds, of models that never were."""

import json

from lcc.config.load import changed_settings, dump_settings
from lcc.data.catalogue import write_catalogue
from lcc.data.parquet import to_parquet
from lcc.evaluate.kept import METRICS, OTHERS, join_others
from lcc.evaluate.predictions import (
    Part,
    Predictions,
    join_parts,
    write_predictions,
)
from lcc.launch.state import write_state
from lcc.storage import layout
from lcc.storage.store import Store
from tests.builders.launches import a_state, local_settings
from tests.builders.predictions import a_table, some_predictions

MODEL_RUN = "train-20261128-0130-aaaa"


def keep_evaluation(
    store: Store,
    run_id: str = "evaluate-20261128-0140-aaaa",
    *,
    share_right: float = 0.8,
    baseline: float | None = 0.5,
    num_groups: int = 30,
    search_run: str | None = None,
    model_run: str = MODEL_RUN,
    **state: object,
) -> None:
    """Write an evaluation, its model's card and its catalogue, but no tiles."""
    catalogue = write_catalogue(store, a_table(num_groups, 10).table, name="lung")
    parts = (Part.VALIDATION, Part.TEST)

    def said(share: float) -> Predictions:
        return join_parts(
            [
                some_predictions(part, num_groups=num_groups, share_right=share)
                for part in parts
            ]
        )

    others = {} if baseline is None else {"forest": said(baseline)}
    lineage = {
        "model run": model_run,
        "data set": "lung",
        "catalogue": catalogue.digest,
    }
    written = dict(write_predictions(said(share_right)))
    written[OTHERS] = to_parquet(join_others(others))
    written[METRICS] = json.dumps({"lineage": lineage, "verdict": "Good."}).encode()
    for name, content in written.items():
        store.write(layout.evaluation(run_id, name), content)
    facts = {
        layout.model_card(model_run): {
            "catalogue": catalogue.digest,
            "tile_size_px": 64,
            "best_epoch": 0,
        },
        layout.splits("lung", catalogue.digest): {
            "checks": [{"name": "groups", "is_passed": True, "detail": "ok"}],
            "images": {},
        },
        layout.audit("lung", catalogue.digest): {"alarms": []},
    }
    for key, document in facts.items():
        store.write(key, json.dumps(document).encode())
    store.write(layout.history(model_run), b"epoch,loss,accuracy\n0,1.0,0.8\n")
    settings = changed_settings(
        local_settings(store),
        {
            "data.name": "lung",
            "data.catalogue": catalogue.digest,
            "evaluate.model_run": model_run,
            "evaluate.search_run": search_run,
            "evaluate.num_bootstrap": 200,
        },
    )
    store.write(layout.run_settings(run_id), dump_settings(settings).encode())
    write_state(store, a_state(run_id, **state))


def keep_search(store: Store, run_id: str = "search-20261128-0120-aaaa") -> None:
    """Write a search of two points on two folds, one trial of which failed."""
    table = (
        "param_train.learning_rate,split0_test_score,split1_test_score\n"
        "0.01,0.5,nan\n0.001,0.8,0.9\n"
    )
    store.write(layout.search_table(run_id), table.encode())
    write_state(store, a_state(run_id))
