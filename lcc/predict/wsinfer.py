"""The configuration by which WSInfer and QuPath's extension for it call a model.

Source: model-config.schema.json of the package wsinfer-zoo 0.6.3, version 1.0; that
WSInfer takes the softmax itself: run_inference.py of wsinfer 0.6.1.
"""

from typing import Any

from lcc.predict.rules import AnswerRules

CONFIG = "config.json"
# Their images are 0–1 after `ToTensor`; ours are 0–255, and scaled inside the network.
UNIT = 1 / 255


def wsinfer_config(
    rules: AnswerRules, *, architecture: str, spacing_um: float
) -> dict[str, Any]:
    """Return the content of `config.json`.

    Args:
        rules: Of the model.
        architecture: Name of its backbone.
        spacing_um: Micrometres a pixel of the training tiles.
    """
    return {
        "spec_version": "1.0",
        "architecture": architecture,
        "num_classes": len(rules.class_names),
        "patch_size_pixels": rules.side_px,
        "spacing_um_px": spacing_um,
        "class_names": list(rules.class_names),
        "transform": [
            {"name": "Resize", "arguments": {"size": rules.side_px}},
            {"name": "ToTensor"},
            {
                "name": "Normalize",
                "arguments": {"mean": [0.0] * 3, "std": [UNIT] * 3},
            },
        ],
    }
