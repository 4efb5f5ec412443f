"""The plan of a stage: its steps in order, in how many processes each. Pure.

Knows settings; not how or where a step is started (a back end), nor what it computes.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from lcc.config.evaluate import is_place
from lcc.config.launch import LaunchSettings
from lcc.config.model import ModelSettings, is_file_name
from lcc.config.settings import Settings
from lcc.search.trial import count_trials


class Stage(StrEnum):
    """What a user launches."""

    PREPARE = "prepare"
    SEARCH = "search"
    TRAIN = "train"
    EVALUATE = "evaluate"
    PREDICT = "predict"
    PIPELINE = "pipeline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: the same entry point in one process or many.

    Attributes:
        name: E.g. `hash`; its entry point is `jobs.<name>`.
        num_processes: Processes that share the work.
        parallelism: Most of them at once.
        gpus: Replicas of each process.
        is_distributed: Whether they are one training, which stands and falls together.
    """

    name: str
    num_processes: int = 1
    parallelism: int = 1
    gpus: int = 0
    is_distributed: bool = False

    @property
    def module(self) -> str:
        """Entry point, for `python -m`."""
        return f"jobs.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A stage's steps, in order."""

    stage: Stage
    steps: tuple[Step, ...]

    def describe(self) -> list[dict[str, object]]:
        """Return the steps as plain values, for YAML."""
        return [
            {
                "step": step.name,
                "module": step.module,
                "processes": step.num_processes,
                "at_once": step.parallelism,
                "gpus": step.gpus,
            }
            for step in self.steps
        ]


def build_plan(stage: Stage, settings: Settings, *, parallelism: int) -> Plan:
    """Return the steps of one stage, where `parallelism` processes run at once.

    A process does several shards in turn, so that no more start than run at once: each
    costs seconds of imports.

    Example:
        >>> plan = build_plan(Stage.PREPARE, Settings(), parallelism=2)
        >>> [(step.name, step.num_processes) for step in plan.steps]
        [('list', 1), ('hash', 2), ('link', 2), ('catalogue', 1)]
    """
    in_pipeline = settings.launch.pipeline is not None
    steps = _steps(stage, settings, parallelism=parallelism, in_pipeline=in_pipeline)
    return Plan(stage=stage, steps=steps)


def plans_of(stage: Stage, settings: Settings, *, parallelism: int) -> list[Plan]:
    """Return the plans of a stage, or of each stage of a pipeline."""
    if stage is not Stage.PIPELINE:
        return [build_plan(stage, settings, parallelism=parallelism)]
    return [
        Plan(
            stage=part,
            steps=_steps(part, settings, parallelism=parallelism, in_pipeline=True),
        )
        for part in stages_of(settings)
    ]


def _steps(
    stage: Stage, settings: Settings, *, parallelism: int, in_pipeline: bool
) -> tuple[Step, ...]:
    at_once = settings.launch.parallelism or parallelism
    num_sharing = min(at_once, settings.data.num_shards)
    is_frozen = settings.model.frozen_stages == "all"
    gpus = min(settings.launch.gpus, 1)  # no strategy: many small things, side by side
    features = (
        (_shared("features", num_sharing, at_once, gpus=gpus),) if is_frozen else ()
    )
    match stage:
        case Stage.PREPARE:
            # Hours of a pipeline must not end because weights cannot be had.
            is_asked = in_pipeline and _needs_files(settings.model)
            first = (Step(name="model"),) if is_asked else ()
            return (*first, *_preparing(num_sharing, at_once))
        case Stage.SEARCH:
            num_trials = _num_trial_processes(settings, at_once)
            trials = _shared("trial", num_trials, at_once, gpus=gpus)
            return (*features, trials, Step(name="select"))
        case Stage.TRAIN:
            return (*features, _training(settings.launch))
        case Stage.EVALUATE:
            preparing = _preparing(num_sharing, at_once)
            return _judging(settings, preparing, gpus=gpus)
        case Stage.PREDICT:
            # How many shards there are, only the first step finds out.
            answers = _shared("predict", at_once, at_once, gpus=gpus)
            return (Step(name="images"), answers, Step(name="collect"))
        case Stage.PIPELINE:
            plans = plans_of(stage, settings, parallelism=parallelism)
            return sum((plan.steps for plan in plans), ())


def stages_of(settings: Settings) -> tuple[Stage, ...]:
    """Return the stages of a pipeline: a search only where there is a grid.

    Example:
        >>> [str(stage) for stage in stages_of(Settings())]
        ['prepare', 'train', 'evaluate']
    """
    search = (Stage.SEARCH,) if settings.search.grid else ()
    return (Stage.PREPARE, *search, Stage.TRAIN, Stage.EVALUATE)


def takes_turns(settings: Settings) -> bool:
    """Return whether a pipeline leaves out each value of an axis in turn.

    Example:
        >>> takes_turns(Settings())
        False
    """
    return settings.data.leave_out is not None and settings.data.test_value is None


def reads_source(stage: Stage, settings: Settings) -> bool:
    """Return whether a stage reads `data.source`: it makes a catalogue of it.

    Example:
        >>> (
        ...     reads_source(Stage.PREPARE, Settings()),
        ...     reads_source(Stage.EVALUATE, Settings()),
        ... )
        (True, False)
    """
    data = settings.evaluate.data
    brings = stage is Stage.EVALUATE and data is not None and is_place(data)
    return brings or stage in {Stage.PREPARE, Stage.PIPELINE}


def source_of(stage: Stage, settings: Settings) -> tuple[str, str | None] | None:
    """Return the setting that names the images a stage reads, and what it names.

    Example:
        >>> source_of(Stage.PREPARE, Settings()), source_of(Stage.TRAIN, Settings())
        (('data.source', None), None)
    """
    if stage is Stage.PREDICT:
        return "predict.source", settings.predict.source
    if reads_source(stage, settings):
        return "data.source", settings.data.source
    return None


def _preparing(num_sharing: int, at_once: int) -> tuple[Step, ...]:
    hashes, links = (_shared(n, num_sharing, at_once) for n in ("hash", "link"))
    return (Step(name="list"), hashes, links, Step(name="catalogue"))


def _judging(
    settings: Settings, preparing: tuple[Step, ...], *, gpus: int
) -> tuple[Step, ...]:
    if settings.evaluate.turns is not None:
        return (Step(name="compare"),)
    first = preparing if reads_source(Stage.EVALUATE, settings) else ()
    linked = (Step(name="overlap"),) if settings.evaluate.data else ()
    return (*first, *linked, Step(name="evaluate", gpus=gpus))


def _needs_files(model: ModelSettings) -> bool:
    """Return whether the network begins with weights from outside."""
    return model.weights != "none" or is_file_name(model.backbone)


def _num_trial_processes(settings: Settings, at_once: int) -> int:
    per_process = settings.search.trials_per_pod
    if per_process is None:
        return min(at_once, count_trials(settings))
    return math.ceil(count_trials(settings) / per_process)


def _training(launch: LaunchSettings) -> Step:
    return Step(
        name="train",
        num_processes=launch.pods,
        parallelism=launch.pods,
        gpus=launch.gpus,
        is_distributed=launch.pods > 1,
    )


def _shared(name: str, num_processes: int, at_once: int, *, gpus: int = 0) -> Step:
    return Step(
        name=name,
        num_processes=num_processes,
        parallelism=min(num_processes, at_once),
        gpus=gpus,
    )
