"""A cluster's back end, opened by what its chart left there."""

import base64
import os
import socket

import pytest

from lcc.backends.kubernetes.backend import KubernetesBackend
from lcc.config.load import SettingsSources
from lcc.errors import ConfigError
from tests.builders.api_server import ApiServer, an_object

CHART = """
storage: {endpoint_url: "http://lcc-s3.lab.svc:8333"}
cluster: {s3_secret: lcc-s3, image: "registry.example.org/lcc:0.1.0"}
train: {epochs: 7, seed: 3}
"""
KEYS = {"AWS_ACCESS_KEY_ID": "the id", "AWS_SECRET_ACCESS_KEY": "the key"}


def a_list(*items: object) -> object:
    return {"metadata": {"resourceVersion": "1"}, "items": items}


def an_installed_chart(server: ApiServer) -> None:
    labels = {"app.kubernetes.io/instance": "lcc"}
    settings = {
        "metadata": {"name": "lcc-settings", "labels": labels},
        "data": {"lcc.yaml": CHART},
    }
    secret = {name: base64.b64encode(t.encode()).decode() for name, t in KEYS.items()}
    server.will(an_object(a_list(settings)), an_object({"data": secret}))


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:  # set, so that what the command sets is taken back, too
        monkeypatch.setenv(name, "of the user")


def test_a_command_finds_settings_keys_and_store_of_the_chart(
    server: ApiServer,
) -> None:
    an_installed_chart(server)
    sources = SettingsSources(overrides=["train.seed=5"])

    with KubernetesBackend.open(sources, sources.load()) as backend:
        reachable = backend.reachable(backend.settings).storage.endpoint_url
        port = int(str(reachable).rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10):
            pass

    settings = backend.settings
    assert settings.cluster.namespace == "lab"
    assert settings.cluster.image == "registry.example.org/lcc:0.1.0"
    assert (settings.train.epochs, settings.train.seed) == (7, 5)
    assert settings.storage.endpoint_url == "http://lcc-s3.lab.svc:8333"
    assert backend.store.uri == settings.storage.root == "s3://lcc/study"
    assert {name: os.environ[name] for name in KEYS} == KEYS
    selector = server.requests[0].query["labelSelector"]
    assert selector.endswith("app.kubernetes.io/component=settings")


def test_a_pod_reaches_servers_itself_and_has_its_keys(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LCC_POD_NAME", "lcc-cleanup-29400977-x7k2p")
    an_installed_chart(server)
    sources = SettingsSources()

    with KubernetesBackend.open(sources, sources.load()) as backend:
        assert backend.reachable(backend.settings) == backend.settings

    assert {name: os.environ[name] for name in KEYS} == dict.fromkeys(
        KEYS, "of the user"
    )
    assert len(server.requests) == 1  # for the settings: it may read no Secret


def test_a_namespace_without_a_chart_says_how_to_install_it(server: ApiServer) -> None:
    server.will(an_object(a_list()))
    sources = SettingsSources()

    with (
        pytest.raises(ConfigError, match=r"it: helm install lcc charts/lcc -n lab$"),
        KubernetesBackend.open(sources, sources.load()),
    ):
        pass


def test_a_root_that_no_pod_reaches_is_refused_chart_or_not(server: ApiServer) -> None:
    an_installed_chart(server)
    sources = SettingsSources(overrides=["storage.root=lcc/other"])

    with (
        pytest.raises(ConfigError) as caught,
        KubernetesBackend.open(sources, sources.load()),
    ):
        pass

    assert str(caught.value) == (
        "storage.root: must be s3://… on a cluster, got lcc/other. Did you mean "
        "s3://lcc/other? Pass --local to work in a folder."
    )
