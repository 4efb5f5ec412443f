"""What the chart makes, as helm renders it; no cluster is needed."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import kubernetes_validate
import pytest
import yaml

from lcc.backends.kubernetes.labels import build_labels
from tests.builders.printed import check_parses
from tests.builders.settings import load_settings
from tests.chart.rendering import (
    CHART,
    EVERYTHING,
    EXTERNAL,
    containers_of,
    find,
    pods_of,
    render,
    run_helm,
    settings_of,
    template,
)

KUBERNETES = "1.33"  # the oldest that the chart takes
LONG_RELEASE = "lung-histopathology-study-of-the-university-hospitals"
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
CASES = [
    pytest.param({}, (), "lcc", id="defaults"),
    pytest.param({}, (EVERYTHING,), "lcc", id="everything"),
    pytest.param(EXTERNAL, (), "lcc", id="external"),
    pytest.param({}, (), LONG_RELEASE, id="long release"),
    pytest.param({}, (), "lab", id="other release"),
]
# What differs between objects of one release, or between a chart and a launch.
CHART_LABELS = {"helm.sh/chart"}
ADDED_LABELS = {"cost-center", "tier"}  # of everything-values.yaml, on pods alone
RUN_LABELS = {"lcc.dev/run", "lcc.dev/step", "lcc.dev/attempt"}


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


@pytest.mark.parametrize("files", [(), (EVERYTHING,)], ids=["defaults", "everything"])
def test_helm_finds_nothing_to_complain_of(files):
    given = [f"--values={file}" for file in files]

    done = run_helm("lint", "--strict", str(CHART), *given)

    assert done.code == 0, done.out + done.err
    assert "WARNING" not in done.out + done.err


@pytest.mark.parametrize(("values", "files", "release"), CASES)
def test_every_object_is_valid_kubernetes(values, files, release):
    for item in render(values, files=files, release=release):
        kubernetes_validate.validate(item, KUBERNETES, strict=True)


@pytest.mark.parametrize(("values", "files", "release"), CASES)
def test_every_object_has_every_label(values, files, release):
    launched = build_labels("train-20261123-0915-k3f9", "train", attempt=1)
    expected = set(launched) - RUN_LABELS | CHART_LABELS
    objects = render(values, files=files, release=release)

    for item in objects:
        labels = item["metadata"]["labels"]
        more = ADDED_LABELS if item["kind"] == "Pod" else set()
        assert set(labels) - more == expected, item["metadata"]["name"]
        assert labels["app.kubernetes.io/part-of"] == "lcc"
        assert labels["app.kubernetes.io/instance"] == release
    for name, pod in pods_of(objects):
        assert set(pod["metadata"]["labels"]) - ADDED_LABELS == expected, name


@pytest.mark.parametrize(("values", "files", "release"), CASES)
def test_names_and_labels_are_short_enough(values, files, release):
    for item in render(values, files=files, release=release):
        name = item["metadata"]["name"]
        limit = 52 if item["kind"] in {"StatefulSet", "Job", "CronJob"} else 63
        assert len(name) <= limit
        assert DNS_LABEL.fullmatch(name)
        for value in item["metadata"]["labels"].values():
            assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", value)


def test_long_releases_that_begin_alike_share_no_name():
    first, second = (
        {item["metadata"]["name"] for item in render(release=LONG_RELEASE[:-1] + end)}
        for end in "ab"
    )

    assert first.isdisjoint(second)


@pytest.mark.parametrize(("values", "files", "release"), CASES)
def test_every_pod_keeps_to_restricted_pod_security(values, files, release):
    for name, pod in pods_of(render(values, files=files, release=release)):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not spec["enableServiceLinks"], name
        for container in containers_of(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert not container["image"].endswith(":latest"), name


def values_of_resources(
    values: dict[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield path and value of every `resources` among the chart's values."""
    for key, inner in values.items():
        if key == "resources":
            yield f"{prefix}{key}", inner
        elif isinstance(inner, dict) and key != "settings":
            yield from values_of_resources(inner, f"{prefix}{key}.")


@pytest.mark.parametrize(("values", "files", "release"), CASES)
def test_a_quota_of_any_resource_lets_every_container_in(values, files, release):
    for name, pod in pods_of(render(values, files=files, release=release)):
        for container in containers_of(pod):
            for bound in ("requests", "limits"):
                found = container["resources"][bound]
                assert {"cpu", "memory"} <= set(found), (name, container["name"])


def test_every_size_of_a_container_is_set_by_a_value():
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    paths = [path for path, _ in values_of_resources(defaults)]
    sizes = {
        f"{path}.{bound}.{resource}": f"{number}{unit}"
        for number, path in enumerate(paths, start=7001)
        for bound in ("requests", "limits")
        for resource, unit in (("cpu", "m"), ("memory", "Mi"))
    }

    objects = render(sizes)

    given = [
        {"cpu": f"{number}m", "memory": f"{number}Mi"}
        for number, _ in enumerate(paths, start=7001)
    ]
    for name, pod in pods_of(objects):
        for container in containers_of(pod):
            found = container["resources"]
            assert found["requests"] == found["limits"], name
            assert found["limits"] in given, (name, container["name"])


@pytest.mark.parametrize(("values", "files", "release"), CASES)
def test_only_what_asks_the_api_server_has_a_token(values, files, release):
    pods = pods_of(render(values, files=files, release=release))

    with_token = [name for name, p in pods if p["spec"]["automountServiceAccountToken"]]

    assert [name.rpartition("-")[2] for name in with_token] == ["cleanup", "rights"]


@pytest.mark.parametrize(("values", "files", "release"), CASES)
def test_the_settings_are_an_lcc_yaml(values, files, release):
    objects = render(values, files=files, release=release)
    (config,) = (o for o in objects if o["kind"] == "ConfigMap")

    settings = load_settings(base=(config["data"]["lcc.yaml"], "configmap"))

    accounts = {o["metadata"]["name"] for o in objects if o["kind"] == "ServiceAccount"}
    assert settings.cluster.worker_service_account in accounts
    assert settings.cluster.driver_service_account in accounts
    assert config["metadata"]["labels"]["app.kubernetes.io/component"] == "settings"


def test_settings_lead_to_the_bundled_servers():
    settings = load_settings(base=(settings_of(render()), "configmap"))

    assert settings.storage.root == "s3://lcc/study"
    assert settings.storage.endpoint_url == "http://lcc-s3.lab.svc:8333"
    assert settings.tracking.uri == "http://lcc-mlflow.lab.svc:5000"
    assert settings.cluster.image == "lcc:0.1.0"
    assert settings.cluster.s3_secret == "lcc-s3"  # noqa: S105 - its name


def test_settings_pass_on_what_every_pod_needs():
    objects = render(files=(EVERYTHING,))

    cluster = load_settings(base=(settings_of(objects, "lung"), "chart")).cluster

    assert cluster.image == "registry.example.org:5000/team/lcc:0.1.0-cuda"
    assert cluster.launcher_image.startswith(
        "registry.example.org:5000/team/lcc-launcher@sha256:0123"
    )
    assert cluster.image_pull_policy == "Always"
    assert cluster.image_pull_secrets == ("registry",)
    assert cluster.s3_secret == "bucket-keys"  # noqa: S105 - its name
    assert cluster.ca_bundle_config_map == "hospital-authorities"
    assert cluster.proxy.https == "http://proxy.example.org:3128"
    assert cluster.proxy.no == (
        ".example.org,localhost,127.0.0.1,.svc,.cluster.example,"
        "$(KUBERNETES_SERVICE_HOST)"
    )
    assert cluster.queue == "gpu-queue"


def test_small_and_large_numbers_survive(tmp_path):
    given = {
        "train": {"learning_rate": 1e-7},
        "data": {"seed": 4_294_967_295},
        "cluster": {"ttl_seconds_after_finished": 1_000_000},
    }
    file = tmp_path / "values.yaml"
    file.write_text(json.dumps({"settings": given}))

    settings = load_settings(base=(settings_of(render(files=[file])), "configmap"))

    assert settings.train.learning_rate == 1e-7
    assert settings.data.seed == 4294967295
    assert settings.cluster.ttl_seconds_after_finished == 1_000_000


def test_amazon_s3_by_identity_needs_no_key():
    values = {
        "s3.enabled": "false",
        "s3.auth": "none",
        "s3.region": "eu-central-1",
        r"serviceAccounts.worker.annotations.eks\.amazonaws\.com/role-arn": "arn:x",
    }

    objects = render(values)

    settings = load_settings(base=(settings_of(objects), "configmap"))
    assert settings.storage.endpoint_url is None
    assert settings.storage.region == "eu-central-1"
    assert settings.cluster.s3_secret is None
    assert not any("secretRef" in node for node in walk(objects))
    account = find(objects, "ServiceAccount", "lcc-worker")
    assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:x"}


def test_the_login_of_an_external_mlflow_is_for_driver_and_launchers():
    objects = render(
        {
            "mlflow.enabled": "false",
            "mlflow.uri": "https://mlflow.example.org",
            "mlflow.existingSecret.name": "login",
        }
    )

    settings = load_settings(base=(settings_of(objects), "configmap"))
    assert settings.cluster.tracking_secret == "login"  # noqa: S105 - its name
    (rule,) = (
        rule
        for rule in find(objects, "Role", "lcc-launcher")["rules"]
        if rule["resources"] == ["secrets"]
    )
    assert rule["resourceNames"] == ["lcc-s3", "login"]
    (test,) = find(objects, "Pod", "lcc-test-mlflow")["spec"]["containers"]
    assert {"secretRef": {"name": "login"}} in test["envFrom"]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(EXTERNAL, id="external servers"),
        pytest.param(
            {
                "s3.existingSecret.name": "bucket-keys",
                "postgresql.existingSecret.name": "database",
            },
            id="bundled servers",
        ),
    ],
)
def test_existing_secrets_are_named_and_none_is_made(values):
    objects = render(values)

    assert [o for o in objects if o["kind"] == "Secret"] == []
    named = {
        node[key]["name"]
        for node in walk(objects)
        for key in ("secretRef", "secretKeyRef")
        if key in node
    }
    assert named == {"bucket-keys", "database"}
    assert render(values) == objects  # nothing random is left


def test_external_servers_leave_none_of_ours():
    objects = render({**EXTERNAL, "mlflow.enabled": "false", "mlflow.uri": "https://m"})

    assert {o["kind"] for o in objects} & {"StatefulSet", "Deployment", "Job"} == set()
    settings = load_settings(base=(settings_of(objects), "configmap"))
    assert settings.tracking.uri == "https://m"
    assert settings.storage.endpoint_url == "https://s3.example.org"


def test_data_stays_unless_told():
    told = render({"s3.persistence.keep": "false"})

    policies = [
        find(objects, "StatefulSet", "lcc-s3")["spec"][
            "persistentVolumeClaimRetentionPolicy"
        ]["whenDeleted"]
        for objects in (render(), told)
    ]
    assert policies == ["Retain", "Delete"]
    kept = [
        item["metadata"]["name"]
        for item in told
        if "helm.sh/resource-policy" in item["metadata"].get("annotations", {})
    ]
    assert kept == ["lcc-postgresql"]


SERVERS = [
    pytest.param("s3", "StatefulSet", id="s3"),
    pytest.param("mlflow", "Deployment", id="mlflow"),
    pytest.param("postgresql", "StatefulSet", id="postgresql"),
    pytest.param("cleanup", "CronJob", id="cleanup"),
]


def added(server: str) -> dict[str, Any]:
    """Return what everything-values.yaml adds to a server."""
    values: dict[str, Any] = yaml.safe_load(EVERYTHING.read_text())[server]
    return values


def server_pod(objects: Sequence[dict[str, Any]], server: str, kind: str) -> Any:
    (found,) = (
        pod
        for name, pod in pods_of(objects)
        if name.startswith(f"{kind}/") and name.endswith(f"-{server}")
    )
    return found


@pytest.mark.parametrize(("server", "kind"), SERVERS)
def test_extra_variables_reach_a_server(server, kind):
    pod = server_pod(render(files=(EVERYTHING,)), server, kind)

    extra = added(server)["extraEnv"]
    assert pod["spec"]["containers"][0]["env"][-len(extra) :] == extra


@pytest.mark.parametrize(("server", "kind"), SERVERS)
def test_extra_volumes_reach_a_server(server, kind):
    spec = server_pod(render(files=(EVERYTHING,)), server, kind)["spec"]

    assert spec["volumes"][-1:] == added(server)["extraVolumes"]
    mounts = spec["containers"][0]["volumeMounts"]
    assert mounts[-1:] == added(server)["extraVolumeMounts"]


def test_what_mlflow_needs_for_its_database_is_there_before_it_starts():
    pod = server_pod(render(files=(EVERYTHING,)), "mlflow", "Deployment")
    (database,) = pod["spec"]["initContainers"]

    assert database["env"][-1] == {"name": "PGSSLROOTCERT", "value": "/certs/ca.crt"}
    assert database["volumeMounts"][-1]["mountPath"] == "/certs"


@pytest.mark.parametrize(("server", "kind"), SERVERS)
def test_labels_and_annotations_of_a_server_go_over_those_of_all_pods(server, kind):
    metadata = server_pod(render(files=(EVERYTHING,)), server, kind)["metadata"]

    assert metadata["labels"]["cost-center"] == "1234"
    assert metadata["labels"]["tier"] == added(server)["podLabels"]["tier"]
    assert metadata["annotations"] == {
        "prometheus.io/scrape": "true",
        **added(server)["podAnnotations"],
    }


def test_labels_and_annotations_of_all_pods_reach_the_helpers():
    pods = dict(pods_of(render(files=(EVERYTHING,))))
    helpers = {n: p for n, p in pods.items() if "test-" in n or "-bucket" in n}

    assert len(helpers) == 4
    for name, pod in helpers.items():
        assert pod["metadata"]["labels"]["tier"] == "lcc", name
        assert pod["metadata"]["annotations"]["prometheus.io/scrape"] == "true", name


@pytest.mark.parametrize(("server", "kind"), SERVERS)
def test_what_a_server_has_may_not_be_added(server, kind, tmp_path):
    values = {"proxy": {"http": "http://p"}, "caBundle": {"configMap": "ca"}}
    file = tmp_path / "values.yaml"
    file.write_text(json.dumps(values))
    (container,) = server_pod(render(files=[file]), server, kind)["spec"]["containers"]
    mounts = container["volumeMounts"]
    again = {
        "extraEnv": [v["name"] for v in container.get("env", [])],
        "extraVolumes": [mount["name"] for mount in mounts],
        "extraVolumeMounts": [mount["mountPath"] for mount in mounts],
    }
    again["extraEnv"] += ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    values[server] = {
        "extraEnv": [{"name": name, "value": "x"} for name in again["extraEnv"]],
        "extraVolumes": [
            {"name": name, "emptyDir": {}} for name in again["extraVolumes"]
        ],
        "extraVolumeMounts": [
            {"name": "mine", "mountPath": path} for path in again["extraVolumeMounts"]
        ],
    }
    file.write_text(json.dumps(values))

    done = template(files=[file])

    assert done.code != 0
    for field, names in again.items():
        for name in names:
            assert (
                f"{server}.{field}: must not be one of the chart's own, got {name}. "
                "Choose another, or set the chart's own value (see its README)."
            ) in done.err


@pytest.mark.parametrize("prefix", ["", "s3.", "mlflow.", "postgresql.", "cleanup."])
@pytest.mark.parametrize("field", ["podLabels", "podAnnotations"])
@pytest.mark.parametrize(
    "key", ["app.kubernetes.io/name", "helm.sh/hook", "lcc.dev/run"]
)
def test_a_key_of_the_chart_may_not_be_added(prefix, field, key):
    escaped = key.replace(".", r"\.")
    values = {f"{prefix}{field}.{escaped}": "mine"}

    by_schema = template(values)
    by_template = template(values, flags=["--skip-schema-validation"])

    assert by_schema.code != 0
    assert f"'/{prefix.replace('.', '/')}{field}'" in by_schema.err
    assert (
        f"{prefix}{field}.{key}: must not be a key that the chart or Helm sets, got "
        f"{key}. Choose another."
    ) in by_template.err


def test_a_field_that_kubernetes_does_not_know_is_refused():
    done = template({"mlflow.extraVolumeMounts[0].readonly": "true"})

    assert done.code != 0
    assert "additional properties 'readonly' not allowed" in done.err


NUMBERS = {  # names that YAML reads as numbers or as nothing, where no quotes stand
    "postgresql.user": "null",
    "postgresql.database": "true",
    "s3.bucket": "1234",
    "mlflow.ingress.host": "1e3",
    "mlflow.ingress.className": "0x1f",
    "mlflow.ingress.tlsSecret": "12",
    "priorityClassName": "123",
    "caBundle.configMap": "0o17",
    "s3.persistence.storageClass": "1.5",
    "launcher.subjects[0].kind": "ServiceAccount",
    "launcher.subjects[0].name": "007",
    "image.repository": "12",
    "image.tag": "34",
}


def test_a_name_that_looks_like_a_number_stays_a_name():
    sets = [f"--set-string={path}={value}" for path, value in NUMBERS.items()]

    done = template(
        {"mlflow.ingress.enabled": "true"}, release="123", flags=["-n=456", *sets]
    )

    assert done.code == 0, done.err
    for item in yaml.safe_load_all(done.out):
        kubernetes_validate.validate(item, KUBERNETES, strict=True)


def test_claims_have_no_label_that_an_upgrade_changes():
    for name in ("lcc-s3", "lcc-postgresql"):
        spec = find(render(), "StatefulSet", name)["spec"]
        (claim,) = spec["volumeClaimTemplates"]
        assert set(claim["metadata"]["labels"]) == {
            *("app.kubernetes.io/name", "app.kubernetes.io/instance"),
            *("app.kubernetes.io/component", "app.kubernetes.io/part-of"),
        }


def _rules(objects: Sequence[dict[str, Any]], name: str) -> set[tuple[str, str]]:
    return {
        (resource, verb)
        for rule in find(objects, "Role", name)["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_roles_name_every_verb_and_no_secret_but_one():
    objects = render(files=(EVERYTHING,))
    driver, launcher = _rules(objects, "lung-driver"), _rules(objects, "lung-launcher")

    assert not any("*" in pair for pair in driver | launcher)
    assert launcher - driver == {
        ("pods/portforward", "create"),
        ("pods/portforward", "get"),
        ("secrets", "get"),
    }
    assert driver <= launcher
    (secret,) = (
        rule
        for rule in find(objects, "Role", "lung-launcher")["rules"]
        if rule["resources"] == ["secrets"]
    )
    assert secret["resourceNames"] == ["bucket-keys"]


def test_the_launcher_role_allows_all_that_check_asks_for():
    from lcc.backends.kubernetes.rights_checkup import NEEDS

    allowed = _rules(render(), "lcc-launcher")

    for verb, _, resource, subresource in NEEDS:
        full = f"{resource}/{subresource}" if subresource else resource
        assert (full, verb) in allowed


def test_mlflow_answers_to_every_name_of_its_service():
    objects = render(files=(EVERYTHING,))
    (server,) = find(objects, "Deployment", "lung-mlflow")["spec"]["template"]["spec"][
        "containers"
    ]
    variables = {item["name"]: item.get("value") for item in server["env"]}

    hosts = variables["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")

    assert set(hosts) == {
        *("localhost", "127.0.0.1", "localhost:*", "127.0.0.1:*"),
        *("lung-mlflow", "lung-mlflow:5000"),
        *("lung-mlflow.lab", "lung-mlflow.lab:5000"),
        *("lung-mlflow.lab.svc", "lung-mlflow.lab.svc:5000"),
        "lung-mlflow.lab.svc.cluster.example",
        "lung-mlflow.lab.svc.cluster.example:5000",
        *("mlflow.example.org", "runs.example.org"),
    }


def test_policies_let_in_whom_they_must():
    objects = render()
    launched = build_labels("train-20261123-0915-k3f9", "train", attempt=1)

    def peers(name: str) -> list[dict[str, str]]:
        (rule,) = find(objects, "NetworkPolicy", name)["spec"]["ingress"]
        return [peer["podSelector"]["matchLabels"] for peer in rule["from"]]

    assert peers("lcc-s3") == [{"app.kubernetes.io/part-of": "lcc"}]
    assert peers("lcc-mlflow") == [{"app.kubernetes.io/part-of": "lcc"}]
    assert peers("lcc-worker")[0].items() <= launched.items()
    mlflow = find(objects, "Deployment", "lcc-mlflow")["spec"]["template"]
    assert peers("lcc-postgresql")[0].items() <= mlflow["metadata"]["labels"].items()


def test_the_clean_up_is_a_list_of_runs_by_the_driver():
    objects = render({"mlflow.enabled": "false", "mlflow.uri": "https://m",
                      "mlflow.existingSecret.name": "login"})  # fmt: skip
    cron = find(objects, "CronJob", "lcc-cleanup")["spec"]
    pod = cron["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert (cron["schedule"], cron["concurrencyPolicy"]) == ("17 * * * *", "Forbid")
    assert pod["serviceAccountName"] == "lcc-driver"
    assert container["image"] == "lcc-launcher:0.1.0"
    secrets = [source["secretRef"]["name"] for source in container["envFrom"]]
    assert secrets == ["lcc-s3", "login"]
    module, *words = container["args"]
    options = check_parses(words).params
    assert (module, words[0], options["cluster__namespace"]) == ("lcc", "list", "lab")
    assert load_settings(overrides=options["overrides"]).cluster.release == "lcc"


def test_a_clean_up_that_is_not_wanted_is_not_there():
    objects = render({"cleanup.enabled": "false"})

    assert "CronJob" not in {item["kind"] for item in objects}


def test_budgets_stand_where_they_help():
    def budgets(values: dict[str, str]) -> set[str]:
        return {
            o["metadata"]["name"]
            for o in render(values)
            if o["kind"] == "PodDisruptionBudget"
        }

    assert budgets({}) == set()
    assert budgets({"mlflow.replicas": "2"}) == {"lcc-mlflow"}
    assert budgets({"podDisruptionBudget.protectData": "true"}) == {
        "lcc-s3",
        "lcc-postgresql",
    }


FAULTS = [
    pytest.param(
        {"s3.endpointUrl": "http://a"},
        "s3.endpointUrl: must be empty with s3.enabled, got http://a. Set "
        "s3.enabled=false to use it.",
        id="address of the bundled store",
    ),
    pytest.param(
        {"s3.auth": "none"},
        "s3.auth: must be keys with s3.enabled, got none. Set s3.enabled=false to use "
        "a store that knows the pod's identity.",
        id="identity and bundled store",
    ),
    pytest.param(
        {"s3.enabled": "false"},
        "s3.existingSecret.name: must name a Secret with AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY for an external store, got nothing. Make it and name "
        "it, or set s3.auth=none.",
        id="external store without keys",
    ),
    pytest.param(
        {"s3.enabled": "false", "s3.auth": "none", "s3.existingSecret.name": "k"},
        "s3.existingSecret.name: must be empty with s3.auth none, got k. Remove it, or "
        "set s3.auth=keys.",
        id="keys and identity",
    ),
    pytest.param(
        {"mlflow.uri": "http://m"},
        "mlflow.uri: must be empty with mlflow.enabled, got http://m. Set "
        "mlflow.enabled=false to use it.",
        id="address of the bundled MLflow",
    ),
    pytest.param(
        {"mlflow.enabled": "false"},
        "mlflow.uri: must be set without mlflow.enabled, got nothing. Name the server, "
        "or set mlflow.enabled=true.",
        id="no MLflow",
    ),
    pytest.param(
        {"mlflow.existingSecret.name": "login"},
        "mlflow.existingSecret.name: must be empty with mlflow.enabled, got login: the "
        "bundled server asks for no password. Set mlflow.enabled=false to use it.",
        id="login of the bundled MLflow",
    ),
    pytest.param(
        {"mlflow.ingress.enabled": "true"},
        "mlflow.ingress.host: must be set with mlflow.ingress.enabled, got nothing. "
        "Name the host.",
        id="ingress without host",
    ),
    pytest.param(
        {"postgresql.host": "db"},
        "postgresql.host: must be empty with postgresql.enabled, got db. Set "
        "postgresql.enabled=false to use it.",
        id="host of the bundled PostgreSQL",
    ),
    pytest.param(
        {"postgresql.enabled": "false", "postgresql.host": "db"},
        "postgresql.existingSecret.name: must name a Secret with the password for an "
        "external server, got nothing. Make it and name it.",
        id="external PostgreSQL without password",
    ),
    pytest.param(
        {"networkPolicy.restrictEgress": "true", "networkPolicy.enabled": "false"},
        "networkPolicy.restrictEgress: must be false without networkPolicy, s3 and "
        "mlflow enabled, got true. Write a policy of your own that names the external "
        "servers.",
        id="egress without policies",
    ),
    pytest.param(
        {"launcher.readNodes": "true"},
        "launcher.readNodes: must be false without launcher.subjects, got true. Say "
        "who launches.",
        id="nodes for nobody",
    ),
]


@pytest.mark.parametrize(("values", "message"), FAULTS)
def test_contradictions_are_refused_by_the_schema(values, message):
    done = template(values)

    field = message.partition(":")[0].partition(".")[0]
    assert done.code != 0
    assert f"'/{field}" in done.err


@pytest.mark.parametrize(("values", "message"), FAULTS)
def test_contradictions_are_refused_with_a_remedy(values, message):
    done = template(values, flags=["--skip-schema-validation"])

    assert done.code != 0
    assert message in done.err


def test_all_contradictions_are_told_at_once():
    values = {"s3.auth": "none", "mlflow.enabled": "false", "postgresql.host": "db"}

    done = template(values, flags=["--skip-schema-validation"])

    for field in ("s3.auth:", "mlflow.uri:", "postgresql.host:"):
        assert field in done.err


def test_a_setting_that_the_chart_computes_is_refused():
    done = template({"settings.cluster.image": "mine:1"})

    assert done.code != 0
    assert (
        "settings.cluster.image: must be left to the chart, which computes "
        '"lcc:0.1.0", got "mine:1". Remove it and set the chart\'s own value (see its '
        "README)."
    ) in done.err


def test_settings_too_large_for_a_pod_are_refused(tmp_path):
    classes = {f"folder-{i:05}": f"class-{i:05}" for i in range(5000)}
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump({"settings": {"data": {"classes": classes}}}))

    done = template(files=[file])

    assert done.code != 0
    assert "settings: must have at most 100,000 bytes to travel with a pod" in done.err


def test_an_unknown_value_is_refused():
    done = template({"mlflow.replica": "2"})

    assert done.code != 0
    assert "'/mlflow': additional properties 'replica' not allowed" in done.err


def test_a_cluster_that_is_too_old_is_refused():
    done = template(flags=["--kube-version=1.32.9"])

    assert done.code != 0
    assert "incompatible with Kubernetes v1.32.9" in done.err


def test_the_notes_name_the_next_command():
    done = run_helm(
        *("install", "lcc", str(CHART), "-n", "lab", "--dry-run=client"),
        *("--set", "mlflow.ingress.enabled=true,mlflow.ingress.host=m.example.org"),
    )
    if "cluster unreachable" in done.err:
        pytest.skip("Helm 3 shows notes only beside a cluster: set KUBECONFIG")

    assert done.code == 0, done.err
    assert "  lcc-launch train --gpus 4 -n lab\n" in done.out
    assert "WARNING: MLflow has no password." in done.out
