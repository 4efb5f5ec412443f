"""Prints the manifests of a stage as YAML, for `kubectl apply -f -`."""

from collections.abc import Iterator

import yaml

from lcc.backends.kubernetes.job import build_manifests, order_job
from lcc.backends.kubernetes.pod import Manifest
from lcc.config.settings import Settings
from lcc.launch.plan import Stage, plans_of
from lcc.launch.state import new_run_id

DEFAULT_PARALLELISM = 4  # pods of one step at once, where nobody says how many
LATER = "# Suspended: needs what the step before leaves. Then: kubectl patch job "


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
    for plan in plans_of(stage, settings, parallelism=DEFAULT_PARALLELISM):
        own_id = run_id or new_run_id(plan.stage)
        for step in plan.steps:
            order = order_job(step, settings, run_id=own_id, attempt=1)
            for manifest in build_manifests(order):
                if manifest["kind"] == "Job" and not is_first:
                    manifest["spec"]["suspend"] = True
                yield manifest
            is_first = False


def render_stage(stage: Stage, settings: Settings, *, run_id: str | None = None) -> str:
    """Return the objects of a stage as one YAML stream.

    Of several steps the later ones are suspended, and say how they go on.
    """
    documents = []
    for manifest in stage_manifests(stage, settings, run_id=run_id):
        text = to_manifest(manifest)
        if manifest["spec"].get("suspend") and settings.cluster.queue is None:
            name = manifest["metadata"]["name"]
            text = f'{LATER}{name} -p \'{{"spec":{{"suspend":false}}}}\'\n{text}'
        documents.append(f"---\n{text}")
    return "".join(documents)


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
