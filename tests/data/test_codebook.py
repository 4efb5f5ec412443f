"""The visual words that ship with the package."""

import numpy as np
import pytest

from lcc.data.codebook import RESOURCE, learn_words


@pytest.mark.slow
def test_the_words_that_ship_are_those_that_the_command_makes():
    shipped = np.load(RESOURCE).astype(np.float32)

    assert np.allclose(shipped, learn_words().astype(np.float32), atol=0.02)
