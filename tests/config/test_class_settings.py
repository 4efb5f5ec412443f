"""Which settings of classes go together."""

import pytest

from lcc.config.load import SettingsSources
from lcc.errors import ConfigError


def faults(*overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        SettingsSources(overrides=overrides).load()
    return list(caught.value.faults)


def test_all_faults_of_classes_are_told_with_their_paths():
    assert faults("data.class_level=0", "data.class_pattern={site}/*") == [
        "data.class_level: must count from 1 or from -1, got 0. Use 1.",
        "data.class_pattern: must hold {class}, got {site}/*. Write it where the class "
        "stands in a path.",
    ]


def test_classes_are_told_in_one_way():
    assert faults("data.class_level=1", "data.labels_csv=labels.csv") == [
        "data.class_level and labels_csv: must not be set together, got 2. Keep one."
    ]
