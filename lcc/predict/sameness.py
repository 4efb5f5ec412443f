"""Whether a written network says what the trained one does.

Knows probabilities of both; neither networks nor formats.
"""

import numpy as np

from lcc.errors import CheckFailed
from lcc.evaluate.bootstrap import Floats
from lcc.predict.exported import Verified

MAX_DIFFERENCE = 1e-4  # of a probability: float32 sums in another order
MAX_DIFFERENCE_HALF = 0.02  # where it was trained in float16, and is written in float32
MIN_SAME_CLASS = 0.95  # in integers of eight bits: probabilities are multiples of 1/256


def compare(said: Floats, found: Floats, *, are_drawn: bool) -> Verified:
    """Return how probabilities of two networks compare.

    Args:
        said: (n, classes) by the one that was trained.
        found: (n, classes) by the one that was written.
        are_drawn: Whether the images were drawn.
    """
    return Verified(
        num_images=len(said),
        are_drawn=are_drawn,
        max_difference=float(np.abs(found - said).max()),
        num_same_class=int((found.argmax(axis=1) == said.argmax(axis=1)).sum()),
    )


def check_same(verified: Verified, *, is_quantized: bool, is_half: bool) -> None:
    """Refuse a network that says something else than the one that was trained.

    Args:
        verified: How both compare.
        is_quantized: Whether the written one computes in integers: then classes count.
        is_half: Whether the trained one computes in float16.

    Raises:
        CheckFailed: Probabilities, or classes, differ too much.
    """
    same, count = verified.num_same_class, verified.num_images
    if is_quantized:
        if same < MIN_SAME_CLASS * count:
            message = (
                f"network: at least {MIN_SAME_CLASS:.0%} of images must keep their "
                f"class in int8, got {same} of {count}. Export without --quantize. "
                "Nothing was written."
            )
            raise CheckFailed(message)
        return
    limit = MAX_DIFFERENCE_HALF if is_half else MAX_DIFFERENCE
    if not verified.max_difference <= limit:  # NaN is not
        message = (
            f"network: probabilities must be within {limit:g} of those of Keras, got a "
            f"difference of {verified.max_difference:.2g} on {count} images. Choose "
            "another format. Nothing was written."
        )
        raise CheckFailed(message)
