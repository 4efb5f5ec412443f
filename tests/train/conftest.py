"""Every test here uses TensorFlow, on several logical devices."""

import pytest


@pytest.fixture(autouse=True)
def _logical_devices(logical_devices: None) -> None:
    pass
