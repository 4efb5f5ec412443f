"""Errors for what the API server answers: some the user can mend, some pass.

Knows status codes and messages; not how a request is made (`client`).
"""

import json
import re
from typing import Any

from lcc.errors import ConfigError, LccError, UnavailableError

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, GONE, UNPROCESSABLE = (
    401,
    403,
    404,
    409,
    410,
    422,
)
BAD_REQUEST = 400
FORBIDDEN_VERB = re.compile(
    r'cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)"'
    r' in API group "(?P<group>[^"]*)"'
)
# What OpenSSL says of certificates and keys that do not fit, in a nested message.
CERTIFICATE = re.compile(
    r"\[(?:SSL: CERTIFICATE_VERIFY_FAILED|X509[^\]]*|SSL(?=\] PEM))\] [^('\"]*\w"
)


class ExistsError(LccError):
    """An object of this name exists; never leaves `client`."""


class AbsentError(LccError):
    """There is no such object; never leaves `client`."""


class LoginLostError(UnavailableError):
    """A pod's own token is refused: only its successor gets a new one."""


class ExpiredError(UnavailableError):
    """A resource version or the token of a page is too old: list again."""


def from_exception(
    err: Any, *, namespace: str, host: str, login: str = "kubeconfig"
) -> LccError:
    """Return the error that an answer of the API server stands for.

    Args:
        err: The client's `ApiException`.
        namespace: Where the request went.
        host: Who answered, for messages.
        login: Where the credentials came from, for messages.
    """
    if not err.status:  # no answer at all: the stream could not be opened
        return unreachable(host, err.reason, login=login)
    body = bytes(err.body or b"").decode(errors="replace")
    try:
        status = json.loads(body)
    except ValueError:  # of a proxy on the way
        status = {"message": body or err.reason}
    return from_status({"code": err.status, **status}, namespace, login=login)


def from_status(
    status: dict[str, Any], namespace: str, *, login: str = "kubeconfig"
) -> LccError:
    """Return the error that a `Status` object stands for."""
    code, text = status.get("code", 0), str(status.get("message", "")).strip()
    if code == UNAUTHORIZED:
        return ConfigError(
            f"{login}: must hold credentials that the cluster takes, got "
            f"{text or 'Unauthorized'}. Log in again; they may have expired."
        )
    if code == FORBIDDEN:
        return _forbidden(text, namespace)
    if code == NOT_FOUND:
        return _not_found(text, namespace)
    if code == CONFLICT:
        return ExistsError(text)
    if code in {BAD_REQUEST, UNPROCESSABLE}:
        return ConfigError(
            f"namespace {namespace}: the API server must accept the object, got "
            f"{text}. Change the setting it names."
        )
    kind = ExpiredError if code == GONE else UnavailableError
    return kind(
        f"namespace {namespace}: the API server must answer, got {code} {text}. "
        "Try again; what was started goes on."
    )


def _forbidden(text: str, namespace: str) -> LccError:
    if match := FORBIDDEN_VERB.search(text):
        resource = ".".join(filter(None, (match["resource"], match["group"])))
        return ConfigError(
            f"namespace {namespace}: this account may not {match['verb']} {resource}. "
            "Ask for the chart's launcher Role (launcher.subjects in its values), or "
            "pass another --namespace."
        )
    if "exceeded quota" in text:
        return ConfigError(
            f"namespace {namespace}: the quota must leave room, got {text}. Lower "
            "cluster.resources or --gpus, or ask for more."
        )
    if "PodSecurity" in text or "violates" in text:
        return ConfigError(
            f"namespace {namespace}: the object must pass admission, got {text}."
        )
    if "being terminated" in text:
        return ConfigError(
            f"namespace {namespace}: must not be on its way out, got {text}. Wait, or "
            "pass another --namespace."
        )
    return ConfigError(
        f"namespace {namespace}: the API server must allow this, got {text}. Ask "
        "whoever runs the cluster."
    )


def _not_found(text: str, namespace: str) -> LccError:
    if re.search(r"namespaces? \"", text):
        return ConfigError(
            f"cluster.namespace: must exist, got {namespace}. Pass another "
            f"--namespace, or create it: kubectl create namespace {namespace}"
        )
    return AbsentError(text)


def unreachable(host: str, reason: object, *, login: str = "kubeconfig") -> LccError:
    """Return the error of an API server that does not answer.

    Certificates that do not fit are the kubeconfig's fault, or that of a network that
    one has to log in to first: either may pass, and ends nothing.
    """
    if match := CERTIFICATE.search(str(reason)):
        return UnavailableError(
            f"{login}: must hold the authority and keys of {host}, got {match[0]}. "
            "Mend it, or log in to the network; what was started goes on."
        )
    return UnavailableError(
        f"{host}: the API server must answer, got {_short(reason)}. Check the "
        f"{login} and the network, and try again; what was started goes on."
    )


def _short(reason: object) -> str:
    """Return the last, telling part of a nested message."""
    text = str(reason)
    match = re.search(r"\[Errno [^\]]+\] [^'\")]+|timed out[^'\")]*", text)
    return match[0] if match else text.partition("\n")[0][:200]


def as_in_pod(err: LccError, code: int) -> LccError:
    """Return an error as it counts in a pod, where nobody can log in again.

    A chart that is installed anew takes accounts and Roles away and brings them back:
    what an account may not do now passes, and a token that died ends this pod alone.

    Args:
        err: What the answer means to a user with a kubeconfig.
        code: The status of the answer.
    """
    if code == UNAUTHORIZED:
        return LoginLostError(
            "account of this pod: must be one that the cluster knows, got a token that "
            "it refuses. The next pod has a new one; was the chart installed anew?"
        )
    if code == FORBIDDEN and "this account may not" in str(err):
        return UnavailableError(
            f"{str(err).partition('. ')[0]}. It is asked again: the chart may be on "
            "its way; else see the driver's Role in charts/lcc."
        )
    return err
