"""One recipe, used alike by training, by every trial and by the leak premium.

Knows which source a setting asks for (live tiles, or features of a frozen backbone) and
how model, data and loop are put together; nothing of runs or reports.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue
from lcc.data.tiles import open_tiles
from lcc.storage.store import Store
from lcc.train.backbone import (
    is_frozen,
    make_backbone,
    predict,
    prepare_tensorflow,
)
from lcc.train.devices import make_strategy
from lcc.train.feature_store import (
    FeatureTable,
    development_rows,
    features_digest,
    read_features,
)
from lcc.train.features import standardize
from lcc.train.input import Examples, ImageSource, TrainingData
from lcc.train.loop import Hooks, Loop
from lcc.train.model import add_head, build_head, count_trainable
from lcc.train.steps import make_optimizer

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A trained model.

    Attributes:
        model: The whole model, or the head alone where the backbone is frozen.
        best_epoch: Epoch whose weights it has.
        num_parameters: Trainable parameters.
        history: Logs of each epoch, by Keras' names.
        csv: The same as Keras' CSVLogger wrote it.
    """

    model: keras.Model
    best_epoch: int
    num_parameters: int
    history: tuple[dict[str, float], ...]
    csv: str


@dataclass(kw_only=True)
class Recipe:
    """Settings and data of a study, from which any part can be trained.

    Attributes:
        settings: Settings in force.
        store: The root.
        catalogue: The data set.
        scratch: Local folder.
        source: Where examples come from.
        rows: (n,) catalogue rows that the source's features cover; all for tiles.
    """

    settings: Settings
    store: Store
    catalogue: Catalogue
    scratch: Path
    source: ImageSource
    rows: Ints | None = None
    strategy: Any = field(default=None)

    def __post_init__(self) -> None:
        """Choose the devices, once: TensorFlow cannot do it later."""
        prepare_tensorflow(self.settings)
        if self.strategy is None:
            self.strategy = make_strategy(self.settings)

    def fit(
        self,
        training: Ints,
        validation: Ints | None,
        *,
        settings: Settings | None = None,
        hooks: Hooks | None = None,
    ) -> Fitted:
        """Train on some rows of the catalogue, judged on others each epoch.

        Args:
            training: Rows.
            validation: Rows, or none.
            settings: Other settings of model and training, those of a grid point.
            hooks: Checkpoints, reports, stops.
        """
        chosen = settings or self.settings
        keras.utils.set_random_seed(chosen.train.seed)
        data = TrainingData(
            source=self.source,
            training=self._examples(training, is_training=True),
            validation=None
            if validation is None
            else self._examples(validation, is_training=False),
        )
        with self.strategy.scope():
            model = self._build(chosen)
            standardize(model, self.source, data.training.records, self.settings)
            model.compile(make_optimizer(chosen.train), loss="categorical_crossentropy")
            model.optimizer.build(model.trainable_variables)
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            loop = Loop(
                model=model,
                strategy=self.strategy,
                settings=chosen.train,
                data=data,
                num_classes=len(self.catalogue.class_names),
                folder=Path(folder),
                hooks=hooks or Hooks(),
            )
            best_epoch = loop.run()
            csv = Path(folder, "history.csv").read_text()
        return Fitted(
            model=model,
            best_epoch=best_epoch,
            num_parameters=count_trainable(model),
            history=tuple(loop.history),
            csv=csv,
        )

    def train_and_predict(
        self, training: Ints, validation: Ints, test: Ints
    ) -> NDArray[np.float64]:
        """Return probabilities of test rows after training on others."""
        fitted = self.fit(training, validation)
        records = self._examples(test, is_training=False).records
        return predict(fitted.model, self.source, records).astype(np.float64)

    def assemble(self, fitted: Fitted) -> keras.Model:
        """Return a model from images to probabilities that stands on its own.

        On one flat graph, with no trace of the replicas it was trained on.
        """
        keras.utils.set_random_seed(self.settings.train.seed)
        backbone = make_backbone(self.settings, self.scratch)
        whole = add_head(
            backbone,
            self.settings.model,
            num_classes=len(self.catalogue.class_names),
            seed=self.settings.train.seed,
        )
        if not is_frozen(self.settings):
            whole.set_weights(fitted.model.get_weights())
            return whole
        for layer in fitted.model.layers:
            if layer.weights:
                whole.get_layer(layer.name).set_weights(layer.get_weights())
        return whole

    def _build(self, settings: Settings) -> keras.Model:
        num_classes = len(self.catalogue.class_names)
        seed = settings.train.seed
        if isinstance(self.source, FeatureTable):
            num_features = self.source.features.shape[-1]
            return build_head(
                num_features, settings.model, num_classes=num_classes, seed=seed
            )
        return add_head(
            make_backbone(settings, self.scratch),
            settings.model,
            num_classes=num_classes,
            seed=seed,
        )

    def _examples(self, rows: Ints, *, is_training: bool) -> Examples:
        labels = self.catalogue.labels[rows]
        if self.rows is None or not isinstance(self.source, FeatureTable):
            return Examples(records=self.catalogue.records[rows], labels=labels)
        num_views = self.source.features.shape[1]
        first = np.searchsorted(self.rows, rows) * num_views
        if not is_training:
            return Examples(records=first, labels=labels)
        views = (first[:, None] + np.arange(num_views)).ravel()
        return Examples(records=views, labels=np.repeat(labels, num_views))


def open_recipe(
    settings: Settings,
    store: Store,
    catalogue: Catalogue,
    *,
    scratch: Path,
    strategy: Any | None = None,
) -> Recipe:
    """Return the recipe of the settings, on live tiles or on stored features."""
    source: ImageSource
    if is_frozen(settings):
        source = read_features(
            store,
            catalogue,
            features_digest(settings, scratch),
            num_shards=settings.data.num_shards,
        )
    else:
        size_px = settings.data.tile_size_px
        source = open_tiles(store, catalogue, size_px=size_px, scratch=scratch)
    return Recipe(
        settings=settings,
        store=store,
        catalogue=catalogue,
        scratch=scratch,
        source=source,
        rows=development_rows(catalogue),
        strategy=strategy,
    )
