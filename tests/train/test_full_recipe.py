"""The recipe of the leak premium: every kept row, at the price of those not known."""

from pathlib import Path

import numpy as np
import pytest

from lcc.config.load import changed_settings, dump_settings
from lcc.data.catalogue import read_catalogue
from lcc.data.sample import write_sample
from lcc.data.work import shard_rows
from lcc.storage import layout
from lcc.train.feature_store import (
    development_rows,
    features_digest,
    features_key,
    write_features,
)
from lcc.train.full_recipe import open_full_recipe, with_recipe
from tests.builders.launches import a_store, local_settings
from tests.builders.preparation import a_task, prepare

SETTINGS = {
    "model.backbone": "mobilenet",
    "model.weights": "none",
    "model.frozen_stages": "all",
    "search.views": 2,
    "train.device": "cpu",
}


@pytest.mark.slow
def test_stored_features_are_read_and_the_test_splits_computed(tmp_path: Path):
    write_sample(tmp_path / "tiles", num_sources=8, num_copies=2, size_px=64)
    options = {"families": {}, "max_class_share_deviation": 0.3}
    task = a_task(tmp_path, tmp_path / "tiles", **options)
    prepare(task)
    settings = changed_settings(task.settings, SETTINGS)
    catalogue = read_catalogue(task.store, name=settings.data.name or "", digest=None)
    development, num_shards = development_rows(catalogue), settings.data.num_shards

    computed = open_full_recipe(settings, task.store, catalogue, scratch=tmp_path)
    digest = features_digest(settings, tmp_path)
    for index in range(num_shards):
        own = shard_rows(index, num_shards=num_shards, num_rows=len(development))
        shape = (len(own), *computed.source.features.shape[1:])
        key = features_key(catalogue, digest, index, num_shards)
        write_features(task.store, key, np.full(shape, index, np.float32))
    full = open_full_recipe(settings, task.store, catalogue, scratch=tmp_path)

    is_test = np.isin(full.rows, catalogue.rows("test"))
    assert computed.source.features.shape == (len(catalogue.rows()), 2, 1024)
    np.testing.assert_allclose(
        full.source.features[is_test], computed.source.features[is_test], rtol=1e-4
    )
    stored = full.source.features[~is_test]
    assert (np.diff(stored[:, 0, 0]) >= 0).all()
    assert stored.max() == num_shards - 1


def test_the_recipe_is_that_of_the_judged_run_and_the_machine_is_ours(tmp_path: Path):
    store = a_store(tmp_path)
    trained = local_settings(store, train__learning_rate=0.1, train__batch_size=30)
    key = layout.run_settings("train-20261123-0915-k3f9")
    store.write(key, dump_settings(trained).encode())
    ours = local_settings(
        store, train__xla=True, evaluate__model_run="train-20261123-0915-k3f9"
    )

    settings = with_recipe(ours, store)

    assert (settings.train.learning_rate, settings.train.batch_size) == (0.1, 30)
    assert settings.train.xla
