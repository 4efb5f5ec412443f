"""Each way in which a kubeconfig leads nowhere: one line, with the path of the file."""

import base64
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from lcc.backends.kubernetes.client import open_cluster
from lcc.cli.main import cli
from lcc.config.cluster import ClusterSettings
from lcc.errors import ConfigError
from tests.builders.api_server import ApiServer, a_refusal

SERVER = "https://127.0.0.1:6443"


def a_kubeconfig(**changes: object) -> dict[str, Any]:
    whole = {
        "clusters": [{"name": "lab", "cluster": {"server": SERVER}}],
        "users": [{"name": "ada", "user": {"token": "a-token"}}],
        "contexts": [{"name": "own", "context": {"cluster": "lab", "user": "ada"}}],
        "current-context": "own",
    }
    return whole | {name.replace("_", "-"): value for name, value in changes.items()}


def a_context(**fields: object) -> list[dict[str, object]]:
    return [{"name": "own", "context": {"cluster": "lab", "user": "ada"} | fields}]


def a_user(**fields: object) -> list[dict[str, object]]:
    return [
        {"name": "ada", "user": {k.replace("_", "-"): v for k, v in fields.items()}}
    ]


def a_plugin(command: str) -> dict[str, str]:
    return {"command": command, "apiVersion": "client.authentication.k8s.io/v1"}


def a_cluster(**fields: object) -> list[dict[str, object]]:
    named = {k.replace("_", "-"): value for k, value in fields.items()}
    return [{"name": "lab", "cluster": {"server": SERVER} | named}]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(
            "clusters: [\n",
            "must be YAML, got expected the node content, but found '<stream end>' in "
            "line 2. Mend it.",
            id="no YAML",
        ),
        pytest.param(
            b"\xff\xfe\x00",
            "must be YAML, got 'utf-8' codec can't decode byte 0xff in position 0: "
            "invalid start byte. Mend it.",
            id="no text",
        ),
        pytest.param(
            "",
            "must hold a mapping, got None. Mend it.",
            id="empty",
        ),
        pytest.param(
            a_kubeconfig(contexts="own"),
            "must have a list at contexts, got 'own'. Mend it.",
            id="a text for a list",
        ),
        pytest.param(
            a_kubeconfig(current_context=None),
            "must have a current context, got none. Set cluster.context, or "
            "current-context, to one of own.",
            id="no current context",
        ),
        pytest.param(
            {"contexts": None, "clusters": None, "users": None},
            "must have a current context, got none. Set cluster.context, or "
            "current-context, to one that it holds.",
            id="as kubectl writes an empty one",
        ),
        pytest.param(
            a_kubeconfig(current_context="other"),
            "must hold the context that is asked for, got other. Set current-context "
            "to one of own.",
            id="a current context that is not in it",
        ),
        pytest.param(
            a_kubeconfig(contexts=[{"name": "own", "context": {"user": "ada"}}]),
            "must have a text at context own cluster, got none. Mend it.",
            id="a context without a cluster",
        ),
        pytest.param(
            a_kubeconfig(contexts=[{"name": "own"}]),
            "must have a mapping at context own, got None. Mend it.",
            id="a context without anything",
        ),
        pytest.param(
            a_kubeconfig(contexts=a_context(cluster="lba")),
            "must hold the cluster of its context own, got lba. Clusters in it: lab.",
            id="a cluster that is not in it",
        ),
        pytest.param(
            a_kubeconfig(contexts=a_context(user="eve")),
            "must hold the user of its context own, got eve. Users in it: ada.",
            id="a user that is not in it",
        ),
        pytest.param(
            a_kubeconfig(clusters=a_cluster(server="127.0.0.1:6443")),
            "must have https://HOST:PORT at cluster lab server, got '127.0.0.1:6443'. "
            "Mend it.",
            id="a server without https",
        ),
        pytest.param(
            a_kubeconfig(clusters=a_cluster(certificate_authority="ca.crt")),
            "must name files that exist, as cluster lab does, got no ca.crt. Check the "
            "path in it.",
            id="an authority that is not there",
        ),
        pytest.param(
            a_kubeconfig(clusters=a_cluster(certificate_authority_data="YQ")),
            "must lead to a cluster, got Incorrect padding. Mend it.",
            id="an authority that is no base64",
        ),
        pytest.param(
            a_kubeconfig(users=a_user(client_certificate="ada.crt")),
            "must name files that exist, as user ada does, got no ada.crt. Check the "
            "path in it.",
            id="a certificate that is not there",
        ),
        pytest.param(
            a_kubeconfig(users=a_user(exec=a_plugin("no-such-plugin"))),
            "must name programs that are installed, as user ada does, got no "
            "no-such-plugin. Install it.",
            id="a plugin that is not installed",
        ),
        pytest.param(
            a_kubeconfig(users=a_user(exec=a_plugin("false"))),
            "must name a plugin that gives credentials, got exec: process returned 1. "
            "Log in again.",
            id="a plugin that fails",
        ),
        pytest.param(
            a_kubeconfig(users=a_user(auth_provider={"name": "gcp"})),
            "must have oidc, or a plugin as exec, at user ada auth-provider.name, got "
            "'gcp'. Mend it.",
            id="a provider that Kubernetes dropped",
        ),
        pytest.param(
            a_kubeconfig(clusters=a_cluster(tls_server_name=5)),
            "must have a text at cluster lab tls-server-name, got 5. Mend it.",
            id="a number for a text",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_the_path(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str | bytes | dict[str, Any],
    fault: str,
) -> None:
    file = tmp_path / "kubeconfig"
    if isinstance(content, dict):
        content = yaml.safe_dump(content)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.setenv("KUBECONFIG", str(file))

    result = CliRunner().invoke(cli, ["list", "-n", "lab"])

    assert (result.exit_code, result.output) == (
        2,
        f"Error: kubeconfig {file}: {fault}\n",
    )


def test_a_folder_is_no_kubeconfig(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path))

    with pytest.raises(ConfigError) as caught:
        open_cluster(ClusterSettings())

    assert str(caught.value) == (
        f"kubeconfig {tmp_path}: must be a file to read, got Is a directory. Check it."
    )


@pytest.mark.parametrize("names", [("none",), ("none", "nor this")])
def test_what_is_not_there_is_named_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    files = [str(tmp_path / name) for name in names]
    monkeypatch.setenv("KUBECONFIG", ":".join(files))

    with pytest.raises(ConfigError) as caught:
        open_cluster(ClusterSettings(), account=tmp_path)

    assert str(caught.value) == (
        f"kubeconfig {' and '.join(files)}: must exist, got no such file. Set "
        "KUBECONFIG, or pass --local to run on this machine."
    )


def test_the_default_file_is_named_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(ConfigError, match=f"^kubeconfig {tmp_path}/.kube/config: "):
        open_cluster(ClusterSettings(), account=tmp_path)


def test_a_context_that_is_asked_for_must_be_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(a_kubeconfig()))
    monkeypatch.setenv("KUBECONFIG", str(file))

    with pytest.raises(ConfigError) as caught:
        open_cluster(ClusterSettings(context="lba"))

    assert str(caught.value) == (
        f"kubeconfig {file}: must hold the context that is asked for, got lba. Set "
        "cluster.context to one of own."
    )


def test_several_files_are_one_and_the_first_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {"contexts": a_context(namespace="first"), "current-context": "own"}
    second = a_kubeconfig(contexts=a_context(namespace="second"))
    for name, content in (("1", first), ("2", second)):
        (tmp_path / name).write_text(yaml.safe_dump(content))
    files = [str(tmp_path / name) for name in ("none", "1", "2")]
    monkeypatch.setenv("KUBECONFIG", ":".join(files))

    cluster = open_cluster(ClusterSettings())

    assert (cluster.namespace, cluster.host) == ("first", SERVER)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        pytest.param(
            "nonsense", r"got \[X509: NO_CERTIFICATE_OR_CRL_FOUND\] .*", id="none"
        ),
        pytest.param(
            None, r"got \[SSL: CERTIFICATE_VERIFY_FAILED\] .*", id="of another"
        ),
    ],
)
def test_an_authority_that_does_not_fit_is_the_kubeconfigs_fault(
    server: ApiServer, data: str | None, fault: str
) -> None:
    file = Path(os.environ["KUBECONFIG"])
    document = yaml.safe_load(file.read_text())
    own = document["clusters"][0]["cluster"]
    del own["certificate-authority"]
    if data is not None:
        encoded = base64.b64encode(data.encode()).decode()
        own["certificate-authority-data"] = encoded
    file.write_text(yaml.safe_dump(document))

    result = CliRunner().invoke(cli, ["list", "-n", "lab"])

    assert result.exit_code == 75
    assert re.fullmatch(
        rf"Error: kubeconfig {file}: must hold the authority and keys of {server.url}, "
        rf"{fault}\. Mend it, or log in to the network; what was started goes on\.\n",
        result.output,
    )


def test_credentials_that_are_refused_are_the_kubeconfigs_fault(
    server: ApiServer,
) -> None:
    server.will(a_refusal(401, "Unauthorized"))

    result = CliRunner().invoke(cli, ["list", "-n", "lab"])

    assert (result.exit_code, result.output) == (
        2,
        f"Error: kubeconfig {os.environ['KUBECONFIG']}: must hold credentials that the "
        "cluster takes, got Unauthorized. Log in again; they may have expired.\n",
    )
