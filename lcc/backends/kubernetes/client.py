"""Talks to the API server; nothing else does.

Raw JSON, not the client's models: thousands of pods parsed into models take seconds and
hundreds of megabytes. Requests are counted, so that a test can bound them.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.incluster_config import InClusterConfigLoader

from lcc.backends.kubernetes import errors
from lcc.backends.kubernetes.interface import GoneError, Object, Page
from lcc.backends.kubernetes.kubeconfig import (
    kubeconfig_files,
    load_kubeconfig,
    no_kubeconfig,
)
from lcc.backends.kubernetes.websocket import open_tunnel
from lcc.config import environment
from lcc.config.cluster import ClusterSettings

logger = logging.getLogger(__name__)

PAGE = 500  # objects of one answer: 2 to 4 MB of pods
CONNECT_SECONDS = 5
READ_SECONDS = 60
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # in every pod
BODY_TYPES = {"PATCH": "application/merge-patch+json"}
KINDS = {  # kind → API group and plural
    "Job": ("apis/batch/v1", "jobs"),
    "Pod": ("api/v1", "pods"),
    "Service": ("api/v1", "services"),
    "ConfigMap": ("api/v1", "configmaps"),
    "Secret": ("api/v1", "secrets"),
    "Event": ("api/v1", "events"),
    "ResourceQuota": ("api/v1", "resourcequotas"),
    "ServiceAccount": ("api/v1", "serviceaccounts"),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"),
    "LocalQueue": ("apis/kueue.x-k8s.io/v1beta1", "localqueues"),
}


def open_cluster(
    settings: ClusterSettings, *, account: Path = ACCOUNT
) -> "KubernetesCluster":
    """Return the cluster of the user's kubeconfig, or the one that this pod runs in.

    Args:
        settings: Context and namespace.
        account: Folder with the token, authority and namespace of a pod.

    Raises:
        ConfigError: There is no kubeconfig, or a fault in it.
    """
    configuration = client.Configuration()
    if files := kubeconfig_files():
        own = load_kubeconfig(files, settings.context, configuration)
        login = f"kubeconfig {os.pathsep.join(map(str, files))}"
    else:
        own, login = _load_pod(configuration, account), f"account {account}"
    configuration.retries = urllib3.Retry(connect=2, read=0, redirect=0)
    return KubernetesCluster(
        configuration=configuration,
        namespace=settings.namespace or own or "default",
        login=login,
    )


@dataclass(kw_only=True, eq=False)
class KubernetesCluster:
    """A `Cluster` behind an API server.

    Attributes:
        configuration: Address and keys of the API server.
        namespace: That all requests go to.
        login: Where the credentials came from, for messages.
        num_requests: How many were sent so far.
    """

    configuration: client.Configuration
    namespace: str
    login: str = "kubeconfig"
    num_requests: int = 0

    @cached_property
    def _api(self) -> client.ApiClient:
        return client.ApiClient(self.configuration)

    def close(self) -> None:
        """Close the connections that are kept open; with -vv tells what was asked."""
        logger.debug("event=api_requests count=%d", self.num_requests)
        self._api.rest_client.pool_manager.clear()
        self._api.close()

    @property
    def host(self) -> str:
        """URL of the API server."""
        return str(self.configuration.host)

    def create(self, manifest: Object, *, dry_run: bool = False) -> Object | None:
        """Create an object; None where one of this name exists already."""
        # Strict: a field that it does not know would be dropped without a word.
        query = [("fieldValidation", "Strict"), ("dryRun", "All" if dry_run else "")]
        path = self._path(manifest["kind"])
        try:
            return self._json("POST", path, query=query, body=manifest)
        except errors.ExistsError:
            return None

    def read(self, kind: str, name: str) -> Object | None:
        """Return an object, None where there is none."""
        try:
            return self._json("GET", self._path(kind, name))
        except errors.AbsentError:
            return None

    def get(self, path: str) -> Object:
        """Return what lies at a path of the API, e.g. `version`."""
        return self._json("GET", f"/{path}")

    def post(self, path: str, body: Object) -> Object:
        """Return the answer to a review, which creates nothing."""
        return self._json("POST", f"/{path}", body=body)

    def pages(self, kind: str, selector: str = "", fields: str = "") -> Iterator[Page]:
        """Yield all objects that fit, a page at a time."""
        token = ""
        while True:
            query = [
                ("limit", str(PAGE)),
                ("labelSelector", selector),
                ("fieldSelector", fields),
                ("continue", token),
            ]
            answer = self._json("GET", self._path(kind), query=query)
            metadata = answer["metadata"]
            token = metadata.get("continue", "")
            yield Page(
                items=answer["items"], resource_version=metadata["resourceVersion"]
            )
            if not token:
                return

    def watch(
        self, kind: str, selector: str, *, resource_version: str, seconds: int
    ) -> Iterator[tuple[str, Object]]:
        """Yield (type, object) of each change until the time is over.

        Raises:
            GoneError: Too much has happened since; list again.
        """
        query = [
            ("watch", "1"),
            ("labelSelector", selector),
            ("resourceVersion", resource_version),
            ("timeoutSeconds", str(seconds)),
            ("allowWatchBookmarks", "true"),
        ]
        path = self._path(kind)
        try:
            with self._stream(path, query, seconds + READ_SECONDS) as lines:
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise errors.from_status(event["object"], self.namespace)
                    yield event["type"], event["object"]
        except errors.ExpiredError as err:
            raise GoneError from err

    def patch(self, kind: str, name: str, changes: Object) -> None:
        """Change some fields of an object; nothing where there is none."""
        try:
            self._json("PATCH", self._path(kind, name), body=changes)
        except errors.AbsentError:
            return

    def delete(self, kind: str, name: str) -> None:
        """Delete an object and what belongs to it; nothing where there is none."""
        query = [("propagationPolicy", "Background")]
        try:
            self._json("DELETE", self._path(kind, name), query=query)
        except errors.AbsentError:
            return

    def read_log(self, pod: str, *, follow: bool, since: str | None) -> Iterator[str]:
        """Yield the lines of a pod's log, time in front; none where it is gone."""
        query = [("follow", str(follow).lower()), ("timestamps", "true")]
        if since:
            query.append(("sinceTime", since))
        path = f"{self._path('Pod', pod)}/log"
        try:
            with self._stream(path, query, 3600 if follow else READ_SECONDS) as lines:
                yield from lines
        except errors.AbsentError:
            return  # the pod, or its node

    def connect(self, pod: str, port: int) -> Any:
        """Return a tunnel to a port of a pod, for `websocket.pump`."""
        with self._translating():
            self.num_requests += 1
            return open_tunnel(self.configuration, self._path("Pod", pod), port)

    def _path(self, kind: str, name: str = "") -> str:
        group, plural = KINDS[kind]
        path = f"/{group}/namespaces/{self.namespace}/{plural}"
        return f"{path}/{name}" if name else path

    def _json(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: Object | None = None,
    ) -> Object:
        with self._translating():
            answer = self._request(method, path, query or [], body, READ_SECONDS)
            found = json.loads(answer.data)
        assert isinstance(found, dict)  # noqa: S101 - the API answers with objects
        return found

    @contextmanager
    def _stream(
        self, path: str, query: list[tuple[str, str]], seconds: int
    ) -> Iterator[Iterator[str]]:
        with self._translating():
            answer = self._request("GET", path, query, None, seconds)
            try:
                yield _lines(answer)
            finally:
                answer.close()  # with what was not read: nobody may reuse it

    def _request(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]],
        body: Object | None,
        seconds: int,
    ) -> Any:
        self.num_requests += 1
        answer, _, _ = self._api.call_api(
            path,
            method,
            query_params=[(name, value) for name, value in query if value],
            header_params={
                "Accept": "application/json",
                "Content-Type": BODY_TYPES.get(method, "application/json"),
            },
            body=body,
            auth_settings=["BearerToken"],
            _preload_content=False,
            _request_timeout=(CONNECT_SECONDS, seconds),
        )
        return answer

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except ApiException as err:
            found = errors.from_exception(
                err, namespace=self.namespace, host=self.host, login=self.login
            )
            if environment.POD_NAME in os.environ:
                found = errors.as_in_pod(found, err.status)
            raise found from err
        except (urllib3.exceptions.HTTPError, OSError) as err:
            raise errors.unreachable(self.host, err, login=self.login) from err
        except json.JSONDecodeError as err:  # a proxy or a login page
            got = f"no JSON but {err.doc}"
            raise errors.unreachable(self.host, got, login=self.login) from err


def _lines(answer: Any) -> Iterator[str]:
    rest = b""
    for chunk in answer.stream(amt=None, decode_content=False):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole if line)
    if rest:
        yield rest.decode(errors="replace")


def _load_pod(configuration: client.Configuration, account: Path) -> str:
    """Fill the configuration as a pod's account has it; return the pod's namespace.

    Raises:
        ConfigError: This is no pod: the error is that there is no kubeconfig.
    """
    try:
        loader = InClusterConfigLoader(account / "token", account / "ca.crt")
        loader.load_and_set(configuration)
        return (account / "namespace").read_text().strip()
    except (config.ConfigException, OSError) as err:
        raise no_kubeconfig() from err
