"""The options that commands share: where settings come from, and named flags."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Any

import click

from lcc.cli.suggestions import suggest_folders, suggest_settings
from lcc.cli.verbosity import verbosity_options

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

# Setting → metavar and help. Values are read with all the other settings, so that one
# message lists every fault.
FLAGS = {
    "storage.root": ("URI", "Where all results lie: a folder or s3://bucket/prefix."),
    "data.name": ("NAME", "Data set; asked for where a root has several."),
    "data.catalogue": ("DIGEST", "Catalogue to use; by default the latest."),
    "cluster.namespace": ("NAME", "Namespace of the cluster."),
    "launch.pods": ("N", "Pods of one training, each with its GPUs."),
    "launch.gpus": ("N", "Replicas of a training: GPUs, or logical CPUs."),
    "launch.parallelism": ("N", "Processes of a step at once; by default the cores."),
    "model.backbone": ("NAME|FILE", "A Keras application, or a saved Keras model."),
    "train.epochs": ("N", "Most epochs."),
    "train.batch_size": ("N", "Global batch, over all replicas."),
    "train.learning_rate": ("RATE", "First learning rate."),
    "train.seed": ("N", "Of weights and shuffling."),
}

SHORT = {"cluster.namespace": ("-n",)}


def flag_name(path: str) -> str:
    """Return the flag of a setting.

    Example:
        >>> flag_name("train.batch_size")
        '--batch-size'
    """
    return f"--{path.rpartition('.')[2].replace('_', '-')}"


class LocalPath(click.Path):
    """A file or folder of this machine; a URI of another place is refused."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Return the path.

        Raises:
            ConfigError: It is in a bucket, or a URI with a slip in it.
        """
        from lcc.storage.uri import folder_path

        return super().convert(folder_path(str(value)), param, ctx)


class LaunchMode(StrEnum):
    """What a launch does with a stage."""

    RUN = "run"
    DETACH = "detach"  # driven from inside the cluster
    DRY_RUN_CLIENT = "client"  # printed, nothing made
    DRY_RUN_SERVER = "server"  # judged by the API server


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a launch was asked for.

    Attributes:
        mode: What is done with the stage.
        values: File with what the chart would install, for a client dry run.
        output: File of this machine that the result is brought to, where the stage has
            one.
    """

    mode: LaunchMode = LaunchMode.RUN
    values: Path | None = None
    output: Path | None = None


def settings_options(*paths: str) -> Decorator:
    """Add named flags for some settings, `--root`, `--settings`, `--set`, `-v`, `-q`.

    The command gets all of them as one argument, `sources`.
    """
    flags = ("storage.root", "cluster.namespace", *paths)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_sources(**given: Any) -> Any:
            from lcc.cli.context import make_sources, working_as_given

            sources = make_sources(
                file=given.pop("file"),
                overrides=given.pop("overrides"),
                is_local=given.pop("local"),
                flags={path: given.pop(_argument(path)) for path in flags},
            )
            with working_as_given(sources):
                return command(sources=sources, **given)

        decorated: Callable[..., Any] = verbosity_options(with_sources)
        for option in (*_COMMON, *map(_flag, reversed(flags))):
            decorated = option(decorated)
        return decorated

    return decorate


_COMMON: tuple[Decorator, ...] = (
    click.option("--local", is_flag=True, help="On this machine; no cluster."),
    click.option(
        "--set",
        "overrides",
        metavar="PATH=VALUE",
        multiple=True,
        shell_complete=suggest_settings,
        help="Any setting, e.g. train.epochs=3; may be repeated.",
    ),
    click.option(
        "--settings",
        "file",
        metavar="FILE",
        type=LocalPath(),
        help="Settings file; by default lcc.yaml, if there.",
    ),
)


def _argument(path: str) -> str:
    return path.replace(".", "__")


def _flag(path: str) -> Decorator:
    metavar, text = FLAGS[path]
    names = (flag_name(path), _argument(path), *SHORT.get(path, ()))
    suggest = suggest_folders if path == "storage.root" else None
    return click.option(*names, metavar=metavar, shell_complete=suggest, help=text)


def launch_options(*paths: str) -> Decorator:
    """Add what every command that runs steps has.

    The command gets `sources` and, of `--dry-run`, `--values` and `--detach`, `how`.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_how(
            *, dry_run: str | None, detach: bool, values: Path | None, **given: Any
        ) -> Any:
            mode = LaunchMode.DETACH if detach else LaunchMode.RUN
            how = Launch(mode=LaunchMode(dry_run) if dry_run else mode, values=values)
            if values is not None and how.mode is not LaunchMode.DRY_RUN_CLIENT:
                message = "--values: is of --dry-run client, got none. Add it."
                raise click.UsageError(message)
            return command(how=how, **given)

        decorated = settings_options(*paths)(with_how)
        decorated = click.option(
            "--values",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="With --dry-run client: the chart's ConfigMap of settings in a file, "
            "where no cluster can be asked.",
        )(decorated)
        decorated = click.option(
            "--dry-run",
            type=click.Choice(["client", "server"]),
            help="Print what would run, and run nothing; client: as manifests for "
            "kubectl apply -f -; server: the cluster judges.",
        )(decorated)
        return click.option(
            "--detach",
            is_flag=True,
            help="Drive it from inside the cluster, and return at once.",
        )(decorated)

    return decorate
