"""The options that commands share: where settings come from, and named flags."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from lcc.cli.verbosity import verbosity_options

if TYPE_CHECKING:
    from lcc.config.settings import Settings

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


def settings_options(*paths: str) -> Decorator:
    """Add named flags for some settings, `--root`, `--settings`, `--set`, `-v`, `-q`.

    The command gets them as `given`, for `load`.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        command = verbosity_options(command)
        command = click.option(
            "--local", is_flag=True, help="On this machine; no cluster."
        )(command)
        command = click.option(
            "--set",
            "overrides",
            metavar="PATH=VALUE",
            multiple=True,
            help="Any setting, e.g. train.epochs=3; may be repeated.",
        )(command)
        command = click.option(
            "--settings",
            "file",
            metavar="FILE",
            type=click.Path(),
            help="Settings file; by default lcc.yaml, if there.",
        )(command)
        for path in reversed(("storage.root", "cluster.namespace", *paths)):
            metavar, text = FLAGS[path]
            names = [flag_name(path), path.replace(".", "__")]
            names += SHORT.get(path, ())
            command = click.option(*names, metavar=metavar, help=text)(command)
        return command

    return decorate


def launch_options(*paths: str) -> Decorator:
    """Add what every command that runs steps has."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        command = settings_options(*paths)(command)
        command = click.option(
            "--dry-run",
            type=click.Choice(["client", "server"]),
            help="Print what would run, and run nothing; server: the cluster judges.",
        )(command)
        return click.option(
            "--detach",
            is_flag=True,
            help="Drive it from inside the cluster, and return at once.",
        )(command)

    return decorate


def load(
    given: dict[str, Any],
    *,
    base: tuple[str, str] | None = None,
    **flags: str | None,
) -> "Settings":
    """Return the settings in force for what a command was given.

    Args:
        given: The options of `settings_options`.
        base: (text, source) of settings that a chart brought.
        flags: Further settings, `__` for the dot.
    """
    import os
    from pathlib import Path

    from lcc.config.load import load_settings

    file = given.get("file")
    named = {path.replace(".", "__"): path for path in FLAGS}
    named |= {name: name.replace("__", ".") for name in flags}
    values = {named[name]: v for name, v in {**given, **flags}.items() if name in named}
    return load_settings(
        base=base,
        file=Path(file) if file else None,
        environ=os.environ,
        overrides=given.get("overrides", ()),
        flags={path: text for path, text in values.items() if text is not None},
    )
