"""What users may not add to the pods of a run."""

import pytest

from lcc.config.load import dump_changes, parse_settings
from lcc.errors import ConfigError
from tests.builders.settings import load_settings


def faults_of(**cluster: str) -> list[str]:
    overrides = [f"cluster.{name}={text}" for name, text in cluster.items()]
    with pytest.raises(ConfigError) as caught:
        load_settings(overrides=overrides)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param({"extra_env": "[{name: HF_HOME, value: /w}]"}, id="text"),
        pytest.param({"extra_env": "[{name: EMPTY, value: ''}]"}, id="empty text"),
        pytest.param({"extra_env": "[{name: LCC_LOG_LEVEL, value: DEBUG}]"}, id="log"),
        pytest.param(
            {"extra_env": "[{name: A, valueFrom: {fieldRef: {fieldPath: spec}}}]"},
            id="reference",
        ),
        pytest.param({"pod_labels.team": "pathology"}, id="label"),
        pytest.param(
            {"pod_annotations": "{karpenter.sh/do-not-disrupt: 'true'}"},
            id="annotation",
        ),
        pytest.param(
            {
                "extra_volumes": "[{name: w, emptyDir: {}}]",
                "extra_volume_mounts": "[{name: w, mountPath: /tmp/w}]",
            },
            id="volume",
        ),
    ],
)
def test_what_lcc_does_not_set_may_be_added(cluster: dict[str, str]) -> None:
    overrides = [f"cluster.{name}={text}" for name, text in cluster.items()]

    assert load_settings(overrides=overrides).cluster != load_settings().cluster


@pytest.mark.parametrize(
    ("cluster", "fault"),
    [
        pytest.param(
            {"extra_env": "[{name: AWS_REGION, value: eu}]"},
            "cluster.extra_env.AWS_REGION: must not be a variable of lcc's own, got "
            "AWS_REGION. Set storage.region instead.",
            id="variable with a setting",
        ),
        pytest.param(
            {"extra_env": "[{name: https_proxy, value: 'http://p'}]"},
            "cluster.extra_env.https_proxy: must not be a variable of lcc's own, got "
            "https_proxy. Set cluster.proxy.https instead.",
            id="proxy in lower case",
        ),
        pytest.param(
            {"extra_env": "[{name: LCC_TRAIN_EPOCHS, value: '3'}]"},
            "cluster.extra_env.LCC_TRAIN_EPOCHS: must not be a variable of lcc's own, "
            "got LCC_TRAIN_EPOCHS. Remove it.",
            id="setting as a variable",
        ),
        pytest.param(
            {"extra_env": "[{name: A}]"},
            "cluster.extra_env.A: must have value or valueFrom, got neither. Give one.",
            id="variable without value",
        ),
        pytest.param(
            {"extra_env": "[{name: A, value: b, valueFrom: {secretKeyRef: {}}}]"},
            "cluster.extra_env.A: must have value or valueFrom, got both. Give one.",
            id="variable with two values",
        ),
        pytest.param(
            {"extra_env": "[{name: A, value: b}, {name: A, value: c}]"},
            "cluster.extra_env: must not repeat a name, got A 2 times. Remove all but "
            "one.",
            id="variable twice",
        ),
        pytest.param(
            {"pod_labels": "{app.kubernetes.io/part-of: mine}"},
            "cluster.pod_labels.app.kubernetes.io/part-of: must not be a key that lcc "
            "or Kubernetes sets, got app.kubernetes.io/part-of. Choose another.",
            id="label that policies select by",
        ),
        pytest.param(
            {"pod_labels.job-name": "mine"},
            "cluster.pod_labels.job-name: must not be a key that lcc or Kubernetes "
            "sets, got job-name. Choose another.",
            id="label of Kubernetes",
        ),
        pytest.param(
            {
                "pod_annotations": "{cluster-autoscaler.kubernetes.io/safe-to-evict: "
                "'true'}"
            },
            "cluster.pod_annotations.cluster-autoscaler.kubernetes.io/safe-to-evict: "
            "must not be a key that lcc or Kubernetes sets, got "
            "cluster-autoscaler.kubernetes.io/safe-to-evict. Choose another.",
            id="annotation",
        ),
        pytest.param(
            {"extra_volumes": "[{name: tmp, emptyDir: {}}]"},
            "cluster.extra_volumes.tmp: must not be a volume of lcc's own, got tmp. "
            "Choose another name.",
            id="volume",
        ),
        pytest.param(
            {"extra_volumes": "[{name: w}]"},
            "cluster.extra_volumes.w: must have one source, such as configMap or "
            "persistentVolumeClaim, got none. Give one.",
            id="volume without source",
        ),
        pytest.param(
            {
                "extra_volumes": "[{name: w, emptyDir: {}}]",
                "extra_volume_mounts": "[{name: w, mountPath: /tmp/}]",
            },
            "cluster.extra_volume_mounts.w: must not hide a folder of lcc's own, got "
            "/tmp/. Choose another.",
            id="mount over a folder",
        ),
        pytest.param(
            {"extra_volume_mounts": "[{name: w, mountPath: /w}]"},
            "cluster.extra_volume_mounts.w: must name one of cluster.extra_volumes "
            "(none), got w. Add the volume.",
            id="mount of no volume",
        ),
    ],
)
def test_a_clash_is_refused(cluster: dict[str, str], fault: str) -> None:
    assert faults_of(**cluster) == [fault]


@pytest.mark.parametrize(
    ("cluster", "fault"),
    [
        pytest.param(
            {"extra_env": "[{name: 1A, value: b}]"},
            "cluster.extra_env: must be a variable's name: letters, digits and -_., no "
            "digit first, got 1A. Change --set cluster.extra_env.",
            id="name of a variable",
        ),
        pytest.param(
            {"extra_volume_mounts": "[{name: w, mountPath: w}]"},
            "cluster.extra_volume_mounts: must be an absolute path without a colon, "
            "got w. Change --set cluster.extra_volume_mounts.",
            id="relative path",
        ),
        pytest.param(
            {"extra_volume_mounts": "[{name: w, mountPath: /w, readonly: true}]"},
            "cluster.extra_volume_mounts.0.readonly: is not a setting, got it from "
            "--set cluster.extra_volume_mounts. All of them: lcc-launch schema",
            id="field of a mount",
        ),
    ],
)
def test_what_kubernetes_would_not_read_is_refused(
    cluster: dict[str, str], fault: str
) -> None:
    assert faults_of(**cluster) == [fault]


def test_all_clashes_are_told_at_once() -> None:
    faults = faults_of(
        extra_env="[{name: NO_PROXY, value: a}, {name: PATH, value: b}]",
        pod_labels="{lcc.dev/run: mine}",
    )

    assert [fault.partition(":")[0] for fault in faults] == [
        "cluster.extra_env.NO_PROXY",
        "cluster.extra_env.PATH",
        "cluster.pod_labels.lcc.dev/run",
    ]


def test_additions_survive_being_written() -> None:
    settings = load_settings(
        overrides=[
            "cluster.extra_volumes=[{name: w, csi: {driver: d, readOnly: true}}]",
            "cluster.extra_env=[{name: A, valueFrom: {secretKeyRef: {name: s}}}]",
        ]
    )

    assert parse_settings(dump_changes(settings), source="env") == settings
