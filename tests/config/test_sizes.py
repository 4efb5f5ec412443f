"""Sizes of pods that contradict each other are refused before any cluster is asked."""

import pytest

from lcc.errors import ConfigError
from tests.builders.settings import load_settings


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        pytest.param(
            ["cluster.resources.train.cpu_request=64"],
            "cluster.resources.train.cpu_request: must be at most cpu_limit (8), got "
            "64. Lower it, or raise cluster.resources.train.cpu_limit.",
            id="cpu",
        ),
        pytest.param(
            ["cluster.resources.data.cpu_limit=900m"],
            "cluster.resources.data.cpu_request: must be at most cpu_limit (900m), got "
            "1. Lower it, or raise cluster.resources.data.cpu_limit.",
            id="thousandths",
        ),
        pytest.param(
            ["cluster.resources.light.scratch=1000Mi"],
            "cluster.resources.light.scratch_request: must be at most scratch (1000Mi)"
            ", got 1Gi. Lower it, or raise cluster.resources.light.scratch.",
            id="disk",
        ),
        pytest.param(
            ["cluster.resources.train.shm=20G"],
            "cluster.resources.train.shm: must be at most memory (16Gi), got 20G. "
            "Lower it, or raise cluster.resources.train.memory.",
            id="shared memory",
        ),
    ],
)
def test_a_size_above_its_bound_is_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(overrides=overrides)

    assert message in str(caught.value)


def test_equal_sizes_in_different_units_pass() -> None:
    load_settings(
        overrides=[
            "cluster.resources.train.cpu_request=8000m",
            "cluster.resources.light.scratch=1024Mi",
        ]
    )
