"""Prints the manifests of a stage as YAML, for `kubectl apply -f -`."""

from collections.abc import Iterator, Mapping

import yaml

from lcc.backends.kubernetes.job import build_manifests, order_job
from lcc.backends.kubernetes.pod import Manifest
from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.launch.plan import Stage, plans_of, takes_turns
from lcc.launch.state import new_run_id

DEFAULT_PARALLELISM = 4  # pods of one step at once, where nobody says how many
LATER = "# Suspended: needs what the step before leaves. Then: kubectl patch job -n "


def stage_manifests(
    stage: Stage, settings: Settings, *, run_id: str | None = None
) -> Iterator[Manifest]:
    """Yield the objects of every step of a stage, later steps suspended.

    Args:
        stage: The stage, or a pipeline of several.
        settings: With absolute locations.
        run_id: Of the stage's run; by default a new one.
    """
    is_first = True
    made: dict[Stage, str] = {}
    for plan in plans_of(stage, settings, parallelism=DEFAULT_PARALLELISM):
        own = _settings_of(plan.stage, settings, made)
        own_id = made[plan.stage] = run_id or new_run_id(plan.stage)
        for step in plan.steps:
            order = order_job(step, own, run_id=own_id, attempt=1)
            for manifest in build_manifests(order):
                if manifest["kind"] == "Job" and not is_first:
                    manifest["spec"]["suspend"] = True
                yield manifest
            is_first = False


def _settings_of(
    stage: Stage, settings: Settings, made: Mapping[Stage, str]
) -> Settings:
    """Return a stage's settings, with the runs that it takes from the stages before."""
    if stage is not Stage.EVALUATE or Stage.TRAIN not in made:
        return settings
    changes = {
        "evaluate.model_run": made[Stage.TRAIN],
        "evaluate.search_run": made.get(Stage.SEARCH),
    }
    return changed_settings(settings, changes)


def render_stage(stage: Stage, settings: Settings, *, run_id: str | None = None) -> str:
    """Return the objects of a stage as one YAML stream.

    Of several steps the later ones are suspended, and say how they go on.

    Raises:
        ConfigError: What is run depends on what earlier stages find.
    """
    _check_known(stage, settings)
    documents = []
    for manifest in stage_manifests(stage, settings, run_id=run_id):
        text = to_manifest(manifest)
        if manifest["spec"].get("suspend") and settings.cluster.queue is None:
            name = manifest["metadata"]["name"]
            where = f"{settings.cluster.namespace or 'default'} {name}"
            text = f'{LATER}{where} -p \'{{"spec":{{"suspend":false}}}}\'\n{text}'
        documents.append(f"---\n{text}")
    return "".join(documents)


def _check_known(stage: Stage, settings: Settings) -> None:
    """Refuse a pipeline that only its driver can unfold."""
    if stage is not Stage.PIPELINE:
        return
    if takes_turns(settings):
        message = (
            "data.test_value: must be set with data.leave_out where a pipeline is "
            "printed, got nothing: only a run finds the values. Set it, or print each "
            "stage."
        )
        raise ConfigError(message)
    if settings.search.grid:
        message = (
            "search.grid: must be empty where a pipeline is printed, got "
            f"{', '.join(settings.search.grid)}: only a run finds the best point. "
            "Print search and train instead, each by its own command."
        )
        raise ConfigError(message)


def to_manifest(manifest: Manifest) -> str:
    """Return one object as YAML, as kubectl prints it."""
    text = yaml.dump(
        manifest, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=88
    )
    return str(text)


class _Dumper(yaml.SafeDumper):
    """YAML with long texts as blocks, and without anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _block)
