import pytest

from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.train.devices import device_of, make_strategy


def some_settings(**launch: object) -> Settings:
    train = {"device": launch.pop("device", "cpu"), "batch_size": 32}
    return Settings.model_validate({"launch": launch, "train": train})


@pytest.mark.parametrize(("gpus", "replicas"), [(0, 1), (1, 1), (2, 2), (4, 4)])
def test_logical_devices_stand_for_gpus(gpus: int, replicas: int):
    strategy = make_strategy(some_settings(gpus=gpus))

    assert strategy.num_replicas_in_sync == replicas


def test_gpus_that_are_not_there_are_refused_never_replaced():
    with pytest.raises(ConfigError, match="asked for 2 and none seen") as caught:
        make_strategy(some_settings(gpus=2, device="gpu"))

    assert caught.value.exit_code == 2


def test_without_gpus_asked_for_a_training_says_that_it_runs_on_the_cpu():
    assert device_of(some_settings(gpus=0, device="gpu")) == "cpu"
    assert device_of(some_settings(gpus=2, device="cpu")) == "cpu"
    assert device_of(some_settings(gpus=2, device="gpu")) == "gpu"


def test_replicas_that_do_not_divide_the_batch_are_refused():
    with pytest.raises(
        ConfigError, match=r"must divide train.batch_size \(32\), got 3"
    ):
        make_strategy(some_settings(gpus=3))
