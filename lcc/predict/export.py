"""Exports a trained model: written, compared with the one that was trained, then kept.

Knows a train run and its evaluation; not how a format is written. A folder is there
whole or not at all.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lcc.config.load import parse_settings
from lcc.config.model import is_file_name
from lcc.data.catalogue import Split
from lcc.errors import ConfigError, NotFoundError
from lcc.evaluate.calibration import scale
from lcc.evaluate.grad_cam import compiled
from lcc.evaluate.kept import NOVELTY
from lcc.images.decode import Image8
from lcc.predict.exported import Exported, Verified, digests_below, write_facts
from lcc.predict.formats import NETWORKS, Format, write_network
from lcc.predict.graph import (
    IMAGE,
    SINGLE,
    calibrated_graph,
    channels_first_logits,
)
from lcc.predict.rules import AnswerRules, fetch_network, read_rules
from lcc.predict.sameness import check_same, compare
from lcc.predict.tiles_to_try import Tried, drawn_tiles, tiles_to_try
from lcc.predict.written import in_batches, load_keras, open_written
from lcc.predict.wsinfer import CONFIG, wsinfer_config
from lcc.storage import layout
from lcc.storage.store import Store

NUM_TRIED = 128  # images a network is compared on
NUM_CALIBRATION = 256  # TensorFlow's own advice for ranges of values: 100 to 500
MODEL_CARD = "model_card.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What is to be exported, and how.

    Attributes:
        model_run: The train run.
        evaluation: That set temperature and thresholds; none: nothing was set.
        written_as: Format of the network.
        is_quantized: Whether a TFLite network computes in integers of eight bits.
        spacing_um: Micrometres a pixel of the training tiles; with it an ONNX network
            is as WSInfer calls one, and has its configuration.
    """

    model_run: str
    evaluation: str | None
    written_as: Format
    is_quantized: bool = False
    spacing_um: float | None = None

    @property
    def is_for_wsinfer(self) -> bool:
        """Whether the network takes and gives what WSInfer does."""
        return self.spacing_um is not None


def check_request(request: ExportRequest, folder: Path) -> None:
    """Refuse what cannot be exported, before anything is loaded.

    Raises:
        ConfigError: Lists every fault.
    """
    faults = []
    if request.is_quantized and request.written_as is not Format.TFLITE:
        faults.append(
            f"--quantize: is of --format tflite, got {request.written_as}. Leave it "
            "out."
        )
    if request.is_for_wsinfer and request.written_as is not Format.ONNX:
        faults.append(
            f"--spacing-um: is of --format onnx, got {request.written_as}. Leave it "
            "out."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        faults.append(
            f"--output: must be a new or an empty folder, got {folder}. Name another, "
            "or remove it."
        )
    if faults:
        raise ConfigError(*faults)


def export_model(
    store: Store, request: ExportRequest, folder: Path, *, scratch: Path
) -> Exported:
    """Export a trained model into a folder, and return its facts.

    Args:
        store: The root.
        request: What, and how.
        folder: New or empty.
        scratch: Where the network is copied to from a bucket.

    Raises:
        ConfigError: The request cannot be met, or the format lacks an operation.
        NotFoundError: There is no such model, or no tiles to quantize it by.
        DataError: The network is not the one that was trained.
        CheckFailed: The written network says something else; nothing is kept.
    """
    check_request(request, folder)
    with _made_whole(folder) as made:
        rules = read_rules(store, request.model_run, request.evaluation)
        path = fetch_network(store, request.model_run, rules, scratch=scratch)
        return _fill(store, request, rules, load_keras(path), made)


@contextmanager
def _made_whole(folder: Path) -> Iterator[Path]:
    """Give a folder to fill, which becomes the real one unless there is an error.

    Raises:
        ConfigError: It cannot be made.
    """
    with ExitStack() as stack:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            beside = tempfile.TemporaryDirectory(
                prefix=f".{folder.name}-", dir=folder.parent
            )
            made = Path(stack.enter_context(beside), "export")
            made.mkdir()
        except OSError as err:
            message = (
                f"--output: must be a folder that can be made, got {folder} "
                f"({err.strerror}). Name another."
            )
            raise ConfigError(message) from err
        yield made
        made.replace(folder)


def _fill(
    store: Store, request: ExportRequest, rules: AnswerRules, model: Any, folder: Path
) -> Exported:
    """Write all files of an export into a folder."""
    verified = _write_verified(store, request, rules, model, folder)
    _write_beside(store, request, rules, folder)
    known = rules.known
    facts = Exported(
        written_as=request.written_as,
        quantized=request.is_quantized,
        network=NETWORKS[request.written_as],
        class_names=rules.class_names,
        side_px=rules.side_px,
        input_name=IMAGE,
        layout="NCHW" if request.is_for_wsinfer else "NHWC",
        softmax_included=not request.is_for_wsinfer,
        calibrated=rules.evaluation is not None,
        temperature=rules.temperature,
        threshold=rules.threshold,
        max_error=rules.max_error,
        max_novelty=known.threshold.value if known and known.threshold.is_set else None,
        train_run=request.model_run,
        evaluation=rules.evaluation,
        catalogue=rules.catalogue,
        trained_sha256=rules.sha256,
        verified=verified,
        software={name: version(name) for name in ("lcc", "keras", "tensorflow")},
        files=digests_below(folder),
    )
    write_facts(folder, facts)
    return facts


def _write_verified(
    store: Store, request: ExportRequest, rules: AnswerRules, model: Any, folder: Path
) -> Verified:
    """Write the network; return how it compares with the one that was trained."""
    calibration = _calibration(store, request, rules)
    graph = calibrated_graph(
        model,
        side_px=rules.side_px,
        temperature=rules.temperature,
        is_clipped=not request.is_quantized,
    )
    if request.is_for_wsinfer:
        graph = channels_first_logits(graph)
    path = folder / NETWORKS[request.written_as]
    write_network(graph, path, request.written_as, calibration=calibration)
    tried = _tried(store, request, rules)
    said = scale(in_batches(compiled(model), tried.images), rules.temperature)
    written = open_written(
        path, request.written_as, is_for_wsinfer=request.is_for_wsinfer
    )
    verified = compare(said, written(tried.images), are_drawn=tried.are_drawn)
    is_half = any(layer.compute_dtype != SINGLE for layer in model.layers)
    check_same(verified, is_quantized=request.is_quantized, is_half=is_half)
    return verified


def _calibration(
    store: Store, request: ExportRequest, rules: AnswerRules
) -> Image8 | None:
    if not request.is_quantized:
        return None
    try:
        found = tiles_to_try(
            store, request.model_run, rules, split=Split.TRAIN, count=NUM_CALIBRATION
        )
    except NotFoundError as err:
        message = (
            f"--quantize: needs tiles of the training split to find ranges of values, "
            f"got none ({err}) Or export without --quantize."
        )
        raise NotFoundError(message) from err
    return found.images


def _tried(store: Store, request: ExportRequest, rules: AnswerRules) -> Tried:
    try:
        return tiles_to_try(
            store, request.model_run, rules, split=Split.VALIDATION, count=NUM_TRIED
        )
    except NotFoundError:
        return drawn_tiles(side_px=rules.side_px, count=NUM_TRIED)


def _write_beside(
    store: Store, request: ExportRequest, rules: AnswerRules, folder: Path
) -> None:
    """Write what belongs beside a network: card, references, configuration."""
    for name in (MODEL_CARD, NOVELTY):
        if rules.evaluation is None:
            continue
        key = layout.evaluation(rules.evaluation, name)
        if store.exists(key):
            (folder / name).write_bytes(store.read(key))
    if request.spacing_um is not None:
        config = wsinfer_config(
            rules,
            architecture=_architecture(store, request.model_run),
            spacing_um=request.spacing_um,
        )
        (folder / CONFIG).write_text(f"{json.dumps(config, indent=2)}\n")


def _architecture(store: Store, model_run: str) -> str:
    text = store.read(layout.run_settings(model_run)).decode()
    backbone = parse_settings(text, source=model_run).model.backbone
    return Path(backbone).stem if is_file_name(backbone) else backbone
