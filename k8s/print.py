"""Print k8s/: the chart rendered, and one file per step (`make manifests`).

The raw manifests are goldens, examples and an installation without Helm at once.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from lcc.backends.kubernetes.job import build_manifests, order_job
from lcc.backends.kubernetes.labels import DRIVER
from lcc.backends.kubernetes.render import to_manifest
from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.launch.plan import Stage, Step, build_plan

HERE = Path(__file__).parent
NAMESPACE = "lcc"
ALWAYS = {
    "storage.root": "s3://lcc/study",
    "storage.endpoint_url": f"http://lcc-s3.{NAMESPACE}.svc:8333",
    "tracking.uri": f"http://lcc-mlflow.{NAMESPACE}.svc:5000",
    "cluster.namespace": NAMESPACE,
    "cluster.s3_secret": "lcc-s3",
    "data.source": "s3://lcc/sources/tiles",
    "data.name": "tiles",
    "search.grid": {"train.learning_rate": [0.001, 0.0003]},
    "launch.pipeline": "pipeline-example",
    "evaluate.model_run": "train-example",
}
PREDICTING = {
    "predict.source": "s3://lcc/sources/new",
    "predict.model_run": "train-example",
    "predict.evaluation": "evaluate-example",
}
GPUS = {"launch.gpus": 4}
OPTIONS = {  # file → what it shows, and the settings that ask for it
    "train-gpus": ("four GPUs in one pod", GPUS),
    "train-pods": ("two pods of four GPUs", GPUS | {"launch.pods": 2}),
    "train-spot": (
        "spot nodes",
        GPUS
        | {
            "cluster.node_selector": {"pool": "spot"},
            "cluster.tolerations": [{"key": "spot", "effect": "NoSchedule"}],
        },
    ),
    "train-additions": (
        "variables, labels and a volume of your own",
        GPUS
        | {
            "cluster.extra_env": [
                {"name": "HF_HOME", "value": "/weights"},
                {
                    "name": "HF_TOKEN",
                    "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}},
                },
            ],
            "cluster.pod_annotations": {"sidecar.istio.io/inject": "false"},
            "cluster.pod_labels": {"team": "pathology"},
            "cluster.extra_volumes": [
                {"name": "weights", "persistentVolumeClaim": {"claimName": "weights"}}
            ],
            "cluster.extra_volume_mounts": [
                {"name": "weights", "mountPath": "/weights", "readOnly": True}
            ],
        },
    ),
    "train-queue": ("a Kueue queue", GPUS | {"cluster.queue": "team-a"}),
    "train-external-s3": (
        "Amazon S3 with the pod's own identity",
        GPUS
        | {
            "storage.root": "s3://our-bucket/study",
            "storage.endpoint_url": None,
            "storage.region": "eu-central-1",
            "cluster.s3_secret": None,
        },
    ),
}
CHART = f"""\
# The chart without Helm; printed by `make manifests`, not typed. First:
#   kubectl create namespace {NAMESPACE}
#   kubectl create secret generic lcc-s3 -n {NAMESPACE} \\
#     --from-literal=AWS_ACCESS_KEY_ID=lcc \\
#     --from-literal=AWS_SECRET_ACCESS_KEY="$(openssl rand -hex 20)"
#   kubectl create secret generic lcc-postgresql -n {NAMESPACE} \\
#     --from-literal=password="$(openssl rand -hex 20)"
"""
STEP = """\
# {words}; printed by `make manifests`, not typed.
# Needs k8s/chart.yaml, and the results of {before}.
"""


def main() -> None:
    """Write the files, or with --check say which differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    wanted = files()
    stale = [path for path, text in wanted.items() if read(path) != text]
    if not check:
        for path in stale:
            path.write_text(wanted[path], encoding="utf-8")
    elif stale:
        names = ", ".join(path.name for path in stale)
        sys.exit(f"k8s: must be current, got old {names}. Run make manifests.")


def files() -> dict[Path, str]:
    """Return what each file must hold."""
    texts = {"chart": CHART + render_chart()} | step_files() | option_files()
    return {HERE / f"{name}.yaml": text for name, text in texts.items()}


def step_files() -> dict[str, str]:
    """Return the manifests of each step, by file."""
    settings = changed_settings(Settings(), ALWAYS)
    frozen = changed_settings(settings, {"model.frozen_stages": "all"})
    found, before = {}, "an upload to s3://lcc/sources/tiles"
    predicting = changed_settings(settings, PREDICTING)
    for stage in (stage for stage in Stage if stage is not Stage.PIPELINE):
        for step in build_plan(stage, frozen, parallelism=4).steps:
            own = frozen if step.name == "features" else settings
            own = predicting if stage is Stage.PREDICT else own
            text = render(step, own, run_id=f"{stage}-example")
            found[step.name] = (
                STEP.format(words=f"Step {step.name}", before=before) + text
            )
            before = f"k8s/{step.name}.yaml"
    words = "The driver of a whole study, as --detach starts it"
    text = render(Step(name=DRIVER), settings, run_id="pipeline-example")
    found[DRIVER] = STEP.format(words=words, before="its launch") + text
    return found


def option_files() -> dict[str, str]:
    """Return the manifests of a training with options, by file."""
    found = {}
    for name, (words, changes) in OPTIONS.items():
        settings = changed_settings(Settings(), {**ALWAYS, **changes})
        (step,) = build_plan(Stage.TRAIN, settings, parallelism=4).steps
        head = STEP.format(words=f"Training on {words}", before="k8s/catalogue.yaml")
        found[name] = head + render(step, settings, run_id="train-example")
    return found


def render(step: Step, settings: Settings, *, run_id: str) -> str:
    """Return the objects of one step as YAML."""
    order = order_job(step, settings, run_id=run_id, attempt=1)
    return "".join(f"---\n{to_manifest(m)}" for m in build_manifests(order))


def render_chart() -> str:
    """Return the chart's objects, without its tests."""
    command = [
        *("helm", "template", "lcc", str(HERE.parent / "charts" / "lcc")),
        *("--namespace", NAMESPACE, "--skip-tests"),
        *("--values", str(HERE / "values.yaml")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - helm
    return done.stdout


def read(path: Path) -> str:
    """Return a file's text, empty where there is none."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    main()
