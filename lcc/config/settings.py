"""The tree of all settings, with a section for each part of `lcc.yaml`."""

from pydantic import Field

from lcc.config.cluster import ClusterSettings
from lcc.config.data import DataSettings
from lcc.config.evaluate import EvaluateSettings
from lcc.config.launch import LaunchSettings
from lcc.config.model import ModelSettings
from lcc.config.predict import PredictSettings
from lcc.config.search import SearchSettings
from lcc.config.section import Section
from lcc.config.storage import StorageSettings
from lcc.config.tracking import TrackingSettings
from lcc.config.train import TrainSettings


class Settings(Section):
    """Everything that can be set; a run stores it as `settings.yaml`."""

    storage: StorageSettings = Field(default_factory=StorageSettings)
    data: DataSettings = Field(default_factory=DataSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    train: TrainSettings = Field(default_factory=TrainSettings)
    search: SearchSettings = Field(default_factory=SearchSettings)
    evaluate: EvaluateSettings = Field(default_factory=EvaluateSettings)
    predict: PredictSettings = Field(default_factory=PredictSettings)
    launch: LaunchSettings = Field(default_factory=LaunchSettings)
    cluster: ClusterSettings = Field(default_factory=ClusterSettings)
    tracking: TrackingSettings = Field(default_factory=TrackingSettings)
