"""The features step: shards that do not depend on who computes them."""

from pathlib import Path

import pytest

from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.data.sample import write_sample
from lcc.storage.store import Store
from lcc.train.features_step import run_features
from tests.builders.preparation import a_task, prepare

SETTINGS = {
    "data.num_shards": 5,
    "model.backbone": "mobilenet",
    "model.weights": "none",
    "model.frozen_stages": "all",
    "train.device": "cpu",
}


def features_of(
    settings: Settings, store: Store, scratch: Path, *, num_processes: int
) -> dict[str, bytes]:
    """Return the shards that so many processes leave behind, and remove them."""
    for process_index in range(num_processes):
        run_features(
            settings,
            store,
            scratch=scratch,
            process_index=process_index,
            num_processes=num_processes,
        )
    found = {item.key: store.read(item.key) for item in store.list_objects("features/")}
    for key in found:
        store.delete(key)
    return found


@pytest.mark.slow
def test_features_do_not_depend_on_the_number_of_processes(tmp_path: Path):
    write_sample(tmp_path / "tiles", num_sources=8, num_copies=2, size_px=64)
    task = a_task(
        tmp_path, tmp_path / "tiles", families={}, max_class_share_deviation=0.3
    )
    prepare(task)
    settings = changed_settings(task.settings, SETTINGS)

    alone = features_of(settings, task.store, tmp_path, num_processes=1)
    shared = features_of(settings, task.store, tmp_path, num_processes=3)

    assert len(alone) == 5
    assert shared == alone
