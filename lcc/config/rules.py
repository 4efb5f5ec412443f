"""Rules that span sections: settings that are fine alone and contradict each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from lcc.config.axes import axis_faults
from lcc.config.clashes import addition_faults
from lcc.config.faults import faults_by_path, near_words
from lcc.config.fields import is_mapping, setting_fields
from lcc.config.launch import BackendName
from lcc.config.layers import Layers
from lcc.config.model import SMALL
from lcc.config.settings import Settings
from lcc.config.sizes import SIZE_PATHS, size_faults

SEARCHABLE = ("model.", "train.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule and the settings it looks at; it is silent where one of them is wrong."""

    paths: tuple[str, ...]
    check: Callable[[Settings, Layers], Iterator[str]]


def contradictions(
    settings: Settings, *, wrong: frozenset[str], layers: Layers
) -> list[str]:
    """Return a message for each rule broken.

    Args:
        settings: The settings, with defaults in place of wrong values.
        wrong: Paths that were wrong by themselves.
        layers: Who set what.
    """
    return [
        fault
        for rule in RULES
        if not any(path in rule.paths for path in wrong)
        for fault in rule.check(settings, layers)
    ]


def batch_faults(*, gpus: int, pods: int, batch_size: int) -> Iterator[str]:
    """Return a message where the replicas do not divide the batch, else none.

    Args:
        gpus: `launch.gpus`, of each pod; at 0 a pod is one replica.
        pods: `launch.pods`.
        batch_size: `train.batch_size`, global.

    Example:
        >>> list(batch_faults(gpus=2, pods=2, batch_size=32))
        []
        >>> [fault] = batch_faults(gpus=3, pods=1, batch_size=32)
        >>> fault.partition("got ")[2]
        '3. Use a batch of 30 or 33, or --gpus 2.'
    """
    replicas = max(gpus, 1) * pods
    if batch_size % replicas == 0:
        return
    product = f" × launch.pods ({pods})" if pods > 1 else ""
    below = batch_size // replicas * replicas
    sizes = " or ".join(str(size) for size in (below, below + replicas) if size)
    fitting = [n for n in range(1, gpus + 1) if batch_size % (n * pods) == 0]
    fewer = f"--gpus {max(fitting)}" if fitting else "fewer --pods"
    yield (
        f"launch.gpus{product}: must divide train.batch_size ({batch_size}), "
        f"got {gpus}. Use a batch of {sizes}, or {fewer}."
    )


def _gpus_divide_batch(settings: Settings, _: Layers) -> Iterator[str]:
    launch, batch_size = settings.launch, settings.train.batch_size
    return batch_faults(gpus=launch.gpus, pods=launch.pods, batch_size=batch_size)


def _one_process_locally(settings: Settings, _: Layers) -> Iterator[str]:
    if settings.launch.backend is BackendName.LOCAL and settings.launch.pods > 1:
        yield (
            "launch.pods: must be 1 with launch.backend local, "
            f"got {settings.launch.pods}. Use --gpus for more replicas."
        )


def _small_has_no_weights(settings: Settings, _: Layers) -> Iterator[str]:
    model = settings.model
    if model.backbone.lower() == SMALL and model.weights != "none":
        yield (
            "model.weights: must be none for the backbone small, which is trained "
            f"from scratch, got {model.weights}. Set model.weights to none."
        )


def _grid_fits(settings: Settings, layers: Layers) -> Iterator[str]:
    for path, values in settings.search.grid.items():
        if not path.startswith(SEARCHABLE):
            yield (
                f"search.grid.{path}: must be a path under model. or train., "
                f"got {path}. {near_words(path)}"
            )
        elif path not in setting_fields() or is_mapping(path):
            yield f"search.grid.{path}: must name a setting, got {path}. " + near_words(
                path
            )
        elif not values:
            yield f"search.grid.{path}: must have at least one value, got []. Add one."
        else:
            yield from _values_fit(settings, path, layers=layers)


def _values_fit(settings: Settings, path: str, *, layers: Layers) -> Iterator[str]:
    values = settings.search.grid[path]
    origin = layers.origin_of(f"search.grid.{path}") or "search.grid"
    gridless = {"search": {"grid"}}  # each value would be judged with all the others
    others = set(settings.search.grid) - {path}  # what these say is not known yet
    for value in values:
        trial = Layers(values=settings.model_dump(mode="json", exclude=gridless))
        trial.put(path, value, origin=origin)
        try:
            changed = Settings.model_validate(trial.values)
        except ValidationError as err:
            faults = [message for _, message in faults_by_path(err, trial)]
        else:
            faults = [
                f"{path}: {fault}"
                for rule in RULES
                if path in rule.paths and not set(rule.paths) & others
                for fault in rule.check(changed, trial)
            ]
        yield from (f"search.grid.{fault}" for fault in faults)
    if len(set(map(repr, values))) < len(values):
        shown = ", ".join(map(str, values))
        yield f"search.grid.{path}: must not repeat a value, got {shown}. Remove one."


def _additions_fit(settings: Settings, _: Layers) -> Iterator[str]:
    yield from addition_faults(settings.cluster)


def _sizes_fit(settings: Settings, _: Layers) -> Iterator[str]:
    yield from size_faults(settings.cluster.resources)


def _axes_fit(settings: Settings, _: Layers) -> Iterator[str]:
    yield from axis_faults(settings.data)


RULES = (
    Rule(
        paths=("launch.gpus", "launch.pods", "train.batch_size"),
        check=_gpus_divide_batch,
    ),
    Rule(paths=("launch.pods", "launch.backend"), check=_one_process_locally),
    Rule(paths=("model.backbone", "model.weights"), check=_small_has_no_weights),
    Rule(paths=("search.grid",), check=_grid_fits),
    Rule(paths=SIZE_PATHS, check=_sizes_fit),
    Rule(
        paths=(
            *("data.groups_csv", "data.columns_from_path", "data.split_csv"),
            *("data.never_split", "data.balance_over", "data.leave_out"),
            "data.test_value",
        ),
        check=_axes_fit,
    ),
    Rule(
        paths=(
            *("cluster.extra_env", "cluster.pod_labels", "cluster.pod_annotations"),
            *("cluster.extra_volumes", "cluster.extra_volume_mounts"),
        ),
        check=_additions_fit,
    ),
)
