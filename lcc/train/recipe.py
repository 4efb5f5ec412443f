"""The recipe: how one model is built and trained, the same for every purpose.

Training, every trial and the leak premium use it. Knows which source a setting asks for
(live tiles, or features of a frozen backbone) and how model, data and loop are put
together; nothing of runs or reports.
"""

import tempfile
from dataclasses import dataclass
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
from lcc.train.workers import Workers

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A trained model, and how its training went.

    Attributes:
        model: Backbone and head, or the head alone where the backbone is frozen.
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


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings, data and devices, with which any rows of the catalogue can be trained.

    `open_recipe` makes one.

    Attributes:
        settings: Settings in force.
        store: The root.
        catalogue: The data set.
        scratch: Local folder.
        source: Where examples come from.
        strategy: The devices, chosen once a process.
        rows: (n,) catalogue rows that the source's features cover; none: all.
    """

    settings: Settings
    store: Store
    catalogue: Catalogue
    scratch: Path
    source: ImageSource
    strategy: Any
    rows: Ints | None = None

    def fit(
        self,
        training: Ints,
        validation: Ints | None,
        *,
        settings: Settings | None = None,
        hooks: Hooks | None = None,
    ) -> Fitted:
        """Return a model trained on some rows, measured on others after each epoch.

        Args:
            training: (n,) rows of the catalogue.
            validation: (m,) rows, or none.
            settings: Other settings of model and training, those of a grid point.
            hooks: Checkpoints, reports, stops.

        Raises:
            Stopped: The hooks asked to stop, and the state is saved.
            RunFailed: The loss is not a number.
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
        """Return probabilities of test rows by a model trained on other rows.

        Args:
            training: (n,) rows of the catalogue.
            validation: (m,) rows that each epoch is measured on.
            test: (k,) rows.

        Returns:
            (k, num_classes).
        """
        return self.predict(self.fit(training, validation), test)

    def predict(self, fitted: Fitted, rows: Ints) -> NDArray[np.float64]:
        """Return (k, num_classes) probabilities of some rows of the catalogue."""
        records = self._examples(rows, is_training=False).records
        return predict(fitted.model, self.source, records).astype(np.float64)

    def assemble(self, fitted: Fitted) -> keras.Model:
        """Return the trained model from images to probabilities, as it is saved.

        One flat graph of backbone and head, without the replicas of its training.
        """
        keras.utils.set_random_seed(self.settings.train.seed)
        backbone = make_backbone(self.settings, self.scratch)
        model = add_head(
            backbone,
            self.settings.model,
            num_classes=len(self.catalogue.class_names),
            seed=self.settings.train.seed,
        )
        if not is_frozen(self.settings):
            model.set_weights(fitted.model.get_weights())
            return model
        for layer in fitted.model.layers:
            if layer.weights:
                model.get_layer(layer.name).set_weights(layer.get_weights())
        return model

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
    """Return the recipe of the settings, on live tiles or on stored features.

    It starts TensorFlow on the devices of the settings.

    Args:
        settings: Settings in force.
        store: The root.
        catalogue: The data set.
        scratch: Local folder.
        strategy: Devices where TensorFlow has started; by default it is started here.

    Raises:
        NotFoundError: Features of the frozen backbone are missing.
    """
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
        strategy=strategy or start_tensorflow(settings),
        rows=development_rows(catalogue),
    )


def start_tensorflow(settings: Settings, workers: Workers | None = None) -> Any:
    """Set TensorFlow up, once a process; return the strategy over its devices.

    Args:
        settings: Devices, seed and precision.
        workers: Of this training, waited for; none: it has one.

    Raises:
        ConfigError: Replicas do not divide the batch, or GPUs are not there.
        UnavailableError: Not all workers came.
    """
    prepare_tensorflow(settings)
    return make_strategy(settings, workers)
