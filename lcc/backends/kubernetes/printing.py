"""Settings of manifests that are printed: complete, so that what is applied can work.

Knows where they come from: the installed chart, or a file of what it would install.
"""

from contextlib import closing
from pathlib import Path

import yaml

from lcc.backends.kubernetes.chart import FILE, chart_settings
from lcc.config.load import SettingsSources
from lcc.config.settings import Settings
from lcc.errors import ConfigError, LccError
from lcc.launch.models import train_run
from lcc.launch.plan import Stage

NEEDED = (
    "--dry-run client: needs what the chart installed (the bucket's address and keys, "
    "accounts, images, MLflow), got"
)


def check_readable(settings: Settings, *, needs_chart: bool) -> None:
    """Look whether what the chart installed can be read.

    Args:
        settings: The user's.
        needs_chart: Whether they lack what only a chart knows.

    Raises:
        ConfigError: No cluster, no rights, or no chart; says what is missing.
    """
    from lcc.backends.kubernetes.client import open_cluster

    namespace = settings.cluster.namespace or "default"
    try:
        with closing(open_cluster(settings.cluster)) as cluster:
            namespace = cluster.namespace
            found = chart_settings(cluster, settings.cluster.release)
    except LccError as err:
        message = f"{NEEDED} none that can be read. {err} {_use_values(namespace)}"
        raise ConfigError(message) from err
    if found is None and needs_chart:
        message = (
            f"{NEEDED} no chart in namespace {namespace}. Pass another --namespace. "
            f"{_use_values(namespace)}"
        )
        raise ConfigError(message)


def _use_values(namespace: str) -> str:
    return f"Or pass --values chart.yaml, made by: {_command(namespace)} > chart.yaml"


def _command(namespace: str) -> str:
    return (
        f"helm template lcc charts/lcc -n {namespace} "
        "--show-only templates/settings.yaml"
    )


def settings_of_file(sources: SettingsSources, file: Path, stage: Stage) -> Settings:
    """Return the settings in force over those of a chart that is not asked.

    Args:
        sources: Where the user's come from.
        file: The chart's ConfigMap, as helm or kubectl prints it.
        stage: What is printed.

    Raises:
        ConfigError: The file holds none, or what only a bucket could tell is not set.
    """
    text, namespace = _read(file)
    sources = sources.with_base(text, str(file))
    settings = sources.load()
    if settings.cluster.namespace is None:
        settings = sources.with_flags(cluster__namespace=namespace).load()
    check_complete(settings, stage)
    return settings


def check_complete(settings: Settings, stage: Stage) -> None:
    """Refuse to print what would look something up in a bucket, where none is asked.

    Raises:
        ConfigError: All that is not set.
    """
    if missing := _missing(settings, stage):
        raise ConfigError(*missing)


def _read(file: Path) -> tuple[str, str | None]:
    """Return the chart's lcc.yaml and its namespace, from a ConfigMap in a file."""
    try:
        documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        message = f"--values: must be a readable YAML file, got {file}: {err}"
        raise ConfigError(message) from err
    for item in documents:
        if isinstance(item, dict) and item.get("kind") == "ConfigMap":
            text = item.get("data", {}).get(FILE)
            if isinstance(text, str):
                return text, item["metadata"].get("namespace")
    message = (
        f"--values: must hold the chart's ConfigMap, got none in {file}. Make it: "
        f"{_command('lab')} > {file}"
    )
    raise ConfigError(message)


def _missing(settings: Settings, stage: Stage) -> list[str]:
    """Return what a launch would look up in the bucket, and nobody has set."""
    wanted = {
        Stage.PREPARE: {"data.source": settings.data.source},
        Stage.PIPELINE: {"data.source": settings.data.source},
        Stage.PREDICT: {
            "predict.source": settings.predict.source,
            "predict.model_run": train_run(settings.predict.model_run),
        },
        Stage.EVALUATE: {
            "data.name": settings.data.name,
            "evaluate.model_run": settings.evaluate.model_run,
            **(
                {"evaluate.sealed_run": settings.evaluate.sealed_run}
                if settings.evaluate.data
                else {}
            ),
        },
    }.get(stage, {"data.name": settings.data.name})
    return [
        f"{path}: must be set where no bucket is asked, got nothing. Pass --set "
        f"{path}=…"
        for path, value in wanted.items()
        if value is None
    ]
