"""Every request to the API server, against a real HTTP server."""

from pathlib import Path

import pytest

from lcc.backends.kubernetes.client import PAGE, KubernetesCluster, open_cluster
from lcc.backends.kubernetes.errors import LoginLostError
from lcc.backends.kubernetes.interface import GoneError, Object
from lcc.config import environment
from lcc.config.cluster import ClusterSettings
from lcc.errors import ConfigError, UnavailableError
from tests.builders.api_server import (
    TOKEN,
    Answer,
    ApiServer,
    a_refusal,
    a_stream,
    an_object,
)

JOBS = "/apis/batch/v1/namespaces/lab/jobs"
PODS = "/api/v1/namespaces/lab/pods"


def a_pod(name: str, version: int = 1) -> Object:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


def a_page(*names: str, following: str = "") -> Answer:
    metadata = {"resourceVersion": "7", "continue": following}
    return an_object({"metadata": metadata, "items": [a_pod(n) for n in names]})


def names_of(cluster: KubernetesCluster) -> list[str]:
    pages = cluster.pages("Pod", "app=lcc", "status.phase=Failed")
    return [pod["metadata"]["name"] for page in pages for pod in page.items]


def watched(cluster: KubernetesCluster) -> list[tuple[str, str]]:
    changes = cluster.watch("Pod", "app=lcc", resource_version="7", seconds=60)
    return [(kind, item["metadata"]["name"]) for kind, item in changes]


def test_requests_carry_the_token_and_the_namespace_of_the_kubeconfig(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(an_object(a_pod("a")))

    assert cluster.read("Pod", "a") == a_pod("a")
    [request] = server.requests
    assert (request.method, request.path) == ("GET", f"{PODS}/a")
    assert request.token == f"Bearer {TOKEN}"
    assert cluster.host == server.url


def test_a_named_namespace_comes_before_that_of_the_kubeconfig(
    server: ApiServer,
) -> None:
    server.will(an_object({}))

    open_cluster(ClusterSettings(namespace="other")).read("Pod", "a")

    assert server.requests[0].path == "/api/v1/namespaces/other/pods/a"


def test_a_list_is_read_a_page_at_a_time(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(a_page("a", "b", following="more"), a_page("c"))

    assert names_of(cluster) == ["a", "b", "c"]
    asked = {
        "limit": str(PAGE),
        "labelSelector": "app=lcc",
        "fieldSelector": "status.phase=Failed",
    }
    queries = [request.query for request in server.requests]
    assert queries == [asked, asked | {"continue": "more"}]


def test_pages_that_nobody_reads_are_not_asked_for(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(a_page("a", following="more"))

    assert next(cluster.pages("Pod")).resource_version == "7"
    assert len(server.requests) == 1


def test_a_list_that_grew_too_old_between_pages_is_temporary(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(a_page("a", following="more"), a_refusal(410, "token is too old"))

    with pytest.raises(UnavailableError, match="410 token is too old"):
        names_of(cluster)


def test_a_watch_tells_changes_and_bookmarks_in_their_order(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(
        a_stream(
            {"type": "ADDED", "object": a_pod("a", 8)},
            {"type": "BOOKMARK", "object": a_pod("mark", 9)},
            {"type": "DELETED", "object": a_pod("ä", 10)},
        )
    )

    assert watched(cluster) == [("ADDED", "a"), ("BOOKMARK", "mark"), ("DELETED", "ä")]
    assert server.requests[0].query == {
        "watch": "1",
        "labelSelector": "app=lcc",
        "resourceVersion": "7",
        "timeoutSeconds": "60",
        "allowWatchBookmarks": "true",
    }


def test_an_event_in_several_chunks_is_one_event(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    whole = a_stream({"type": "ADDED", "object": a_pod("a")}).chunks[0]
    server.will(Answer(chunks=(whole[:9], whole[9:20], whole[20:] + whole)))

    assert watched(cluster) == [("ADDED", "a"), ("ADDED", "a")]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            a_stream({"type": "ERROR", "object": {"code": 410, "message": "old"}}),
            id="an event",
        ),
        pytest.param(a_refusal(410, "too old resource version"), id="an answer"),
    ],
)
def test_a_version_that_is_too_old_asks_for_a_new_list(
    cluster: KubernetesCluster, server: ApiServer, answer: Answer
) -> None:
    server.will(answer)

    with pytest.raises(GoneError):
        watched(cluster)


def test_another_error_of_a_watch_is_what_a_refusal_is(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    error = {"code": 500, "message": "etcd is away"}
    server.will(a_stream({"type": "ERROR", "object": error}))

    with pytest.raises(UnavailableError, match="500 etcd is away"):
        watched(cluster)


def test_a_watch_that_breaks_is_temporary_and_what_came_before_counts(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    event = {"type": "ADDED", "object": a_pod("a")}
    server.will(a_stream(event, is_cut=True))
    changes = cluster.watch("Pod", "", resource_version="7", seconds=60)

    assert next(changes) == ("ADDED", a_pod("a"))
    with pytest.raises(UnavailableError, match="the API server must answer"):
        next(changes)


def test_the_next_request_does_not_read_what_a_watch_left(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    event = {"type": "ADDED", "object": a_pod("a")}
    server.will(a_stream(event, event), an_object(a_pod("b")))
    changes = cluster.watch("Pod", "", resource_version="7", seconds=60)
    next(changes)
    changes.close()  # type: ignore[attr-defined]

    assert cluster.read("Pod", "b") == a_pod("b")


def test_an_answer_that_breaks_is_temporary(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(Answer(chunks=(b'{"metadata": ',), is_cut=True))

    with pytest.raises(UnavailableError, match=server.url):
        cluster.read("Pod", "a")


@pytest.mark.parametrize("text", ["<html>", '{"type": "ADDED", "obj'])
def test_an_answer_that_is_no_json_is_temporary(
    cluster: KubernetesCluster, server: ApiServer, text: str
) -> None:
    server.will(a_stream(text), a_stream(text))

    with pytest.raises(UnavailableError, match=f"must answer, got no JSON but {text}"):
        cluster.read("Pod", "a")
    with pytest.raises(UnavailableError, match=f"must answer, got no JSON but {text}"):
        watched(cluster)


def test_a_refused_connection_is_temporary(tmp_path: Path, server: ApiServer) -> None:
    ApiServer(url="http://127.0.0.1:1", authority=None).write_kubeconfig(
        tmp_path / "kubeconfig"
    )

    with pytest.raises(UnavailableError) as caught:
        open_cluster(ClusterSettings()).read("Pod", "a")

    assert str(caught.value) == (
        "http://127.0.0.1:1: the API server must answer, got [Errno 111] Connection "
        f"refused. Check the kubeconfig {tmp_path}/kubeconfig and the network, and try "
        "again; what was started goes on."
    )


FORBIDDEN = (
    'pods is forbidden: User "ada" cannot list resource "pods" in API group "" in '
    'the namespace "lab"'
)


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        pytest.param(
            a_refusal(400, "bad field"), ConfigError, "got bad field", id="400"
        ),
        pytest.param(
            a_refusal(401, "Unauthorized"), ConfigError, "Log in again", id="401"
        ),
        pytest.param(
            a_refusal(403, FORBIDDEN), ConfigError, "may not list pods", id="403"
        ),
        pytest.param(
            a_refusal(404, 'namespaces "lab" not found'),
            ConfigError,
            "cluster.namespace: must exist, got lab",
            id="404 of the namespace",
        ),
        pytest.param(
            a_refusal(422, "is invalid"), ConfigError, "got is invalid", id="422"
        ),
        pytest.param(
            a_refusal(500, "etcd is away"), UnavailableError, "got 500 etcd", id="500"
        ),
        pytest.param(
            Answer(chunks=(b"<html>busy</html>",), status=503),
            UnavailableError,
            "got 503 <html>busy",
            id="503 of a proxy",
        ),
    ],
)
def test_a_refusal_is_an_error_that_says_what_to_do(
    cluster: KubernetesCluster,
    server: ApiServer,
    answer: Answer,
    kind: type[Exception],
    message: str,
) -> None:
    server.will(answer)

    with pytest.raises(kind, match=message):
        names_of(cluster)


def test_a_refused_watch_is_an_error_too(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(a_refusal(403, FORBIDDEN))

    with pytest.raises(ConfigError, match="may not list pods"):
        watched(cluster)


def test_what_is_not_there_is_none_and_deleted_already(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(*[a_refusal(404, 'pods "a" not found')] * 2)

    assert cluster.read("Pod", "a") is None
    cluster.delete("Pod", "a")


def test_an_object_is_created_strictly_and_once(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    job = {"kind": "Job", "metadata": {"name": "j"}}
    server.will(an_object(job, 201), a_refusal(409, 'jobs.batch "j" already exists'))

    assert cluster.create(job) == job
    assert cluster.create(job, dry_run=True) is None
    first, second = server.requests
    assert (first.method, first.path, first.body) == ("POST", JOBS, job)
    assert first.query == {"fieldValidation": "Strict"}
    assert second.query == {"fieldValidation": "Strict", "dryRun": "All"}


def test_a_deleted_job_takes_its_pods_with_it(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(an_object({}))

    cluster.delete("Job", "j")

    [request] = server.requests
    assert (request.method, request.path) == ("DELETE", f"{JOBS}/j")
    assert request.query == {"propagationPolicy": "Background"}


def test_a_log_is_followed_from_a_moment_on_with_times(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(a_stream("10:00:01 one", "10:00:02 zwölf"))

    lines = list(cluster.read_log("a", follow=True, since="10:00:00"))

    assert lines == ["10:00:01 one", "10:00:02 zwölf"]
    [request] = server.requests
    assert request.path == f"{PODS}/a/log"
    assert request.query == {
        "follow": "true",
        "timestamps": "true",
        "sinceTime": "10:00:00",
    }


def test_the_last_line_of_a_log_needs_no_end(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(Answer(chunks=(b"10:00 one\n10:01 ", b"two")))

    lines = list(cluster.read_log("a", follow=False, since=None))

    assert lines == ["10:00 one", "10:01 two"]
    assert server.requests[0].query == {"follow": "false", "timestamps": "true"}


def test_a_log_that_breaks_off_gives_its_lines_first(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(a_stream("10:00 one", is_cut=True))
    lines = cluster.read_log("a", follow=True, since=None)

    assert next(lines) == "10:00 one"
    with pytest.raises(UnavailableError):
        next(lines)


def test_the_log_of_a_pod_that_is_gone_is_empty(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(a_refusal(404, 'pods "a" not found'))

    assert list(cluster.read_log("a", follow=True, since=None)) == []


def test_a_review_is_posted(cluster: KubernetesCluster, server: ApiServer) -> None:
    server.will(an_object({"status": {"allowed": True}}))

    assert cluster.post("apis/review", {"spec": {}})["status"]["allowed"] is True
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/apis/review")
    assert request.body == {"spec": {}}


def test_a_pod_finds_the_cluster_that_it_runs_in(
    tmp_path: Path, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("of-the-pod")
    (tmp_path / "namespace").write_text("own\n")
    host, _, port = server.url.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    server.will(an_object({}))

    open_cluster(ClusterSettings(), account=tmp_path).read("Pod", "a")

    [request] = server.requests
    assert request.path == "/api/v1/namespaces/own/pods/a"
    assert request.token == "bearer of-the-pod"  # noqa: S105 - of a server on loopback


def test_a_change_is_merged_and_what_is_gone_needs_none(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(an_object({}), a_refusal(404, 'jobs.batch "gone" not found'))
    changes = {"spec": {"activeDeadlineSeconds": 1}}

    cluster.patch("Job", "a", changes)
    cluster.patch("Job", "gone", changes)

    request = server.requests[0]
    assert (request.method, request.body) == ("PATCH", changes)
    assert request.content_type == "application/merge-patch+json"


def test_a_refused_login_ends_a_laptops_command(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.will(a_refusal(401, "Unauthorized"), a_refusal(403, FORBIDDEN))

    for said in ("Log in again", "this account may not list pods"):
        with pytest.raises(ConfigError, match=said):
            names_of(cluster)


def test_a_refused_login_passes_in_a_pod(
    cluster: KubernetesCluster, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(environment.POD_NAME, "driver-0")
    quota = "pods is forbidden: exceeded quota: q, requested: pods=1"
    server.will(
        a_refusal(401, "Unauthorized"),
        a_refusal(403, FORBIDDEN),
        a_refusal(403, quota),
    )

    with pytest.raises(LoginLostError, match="The next pod has a new one") as lost:
        names_of(cluster)
    with pytest.raises(UnavailableError, match=r"may not list pods\. It is asked"):
        names_of(cluster)
    with pytest.raises(ConfigError, match="the quota must leave room"):
        names_of(cluster)
    assert lost.value.exit_code == 75
