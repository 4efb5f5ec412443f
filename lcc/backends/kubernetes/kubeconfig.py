"""Reads the kubeconfig of a user: which cluster it names, and every way it may not.

Knows the file's shape and the client's loader; asks no cluster. Each fault is one line
with the path of the file.
"""

import binascii
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import yaml
from kubernetes import client, config
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lcc.errors import ConfigError

# The client's loader meets what the models below let through: texts that are no base64,
# keys that hold something else than the loader thinks, files that it may not read.
LOADER_ERRORS = (
    config.ConfigException,
    AttributeError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
    binascii.Error,
)
SHAPES = {  # pydantic's kind of fault → what must be there instead
    "missing": "a text",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": "a list",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "literal_error": "oidc, or a plugin as exec,",
    "string_type": "a text",
    "string_pattern_mismatch": "https://HOST:PORT",
}


class _Part(BaseModel):
    """A part of the file; what lcc does not look at is left to the client."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Address(_Part):
    server: str = Field(pattern=r"^https?://[^/\s]+")
    authority: str | None = Field(default=None, alias="certificate-authority")
    name: str | None = Field(default=None, alias="tls-server-name")
    is_unchecked: bool = Field(default=False, alias="insecure-skip-tls-verify")


class _Plugin(_Part):
    command: str
    version: str = Field(alias="apiVersion")


class _Provider(_Part):
    name: Literal["oidc"]  # Kubernetes 1.26 dropped the others


class _Credentials(_Part):
    certificate: str | None = Field(default=None, alias="client-certificate")
    key: str | None = Field(default=None, alias="client-key")
    token_file: str | None = Field(default=None, alias="tokenFile")
    plugin: _Plugin | None = Field(default=None, alias="exec")
    provider: _Provider | None = Field(default=None, alias="auth-provider")


class _Place(_Part):
    cluster: str
    user: str | None = None
    namespace: str | None = None


class _NamedCluster(_Part):
    name: str
    cluster: dict[str, object] = Field(default_factory=dict)


class _NamedUser(_Part):
    name: str
    user: dict[str, object] | None = None


class _NamedContext(_Part):
    name: str
    context: dict[str, object] | None = None


class _File(_Part):
    """One file; `kubectl` writes a list that is empty as null."""

    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None
    current: str | None = Field(default=None, alias="current-context")


Entry = TypeVar("Entry", _NamedCluster, _NamedUser, _NamedContext)
Part = TypeVar("Part", bound=_Part)


def kubeconfig_files() -> list[Path]:
    """Return the files that exist of those that KUBECONFIG, or the default, names."""
    return [path for path in _named_files() if path.exists()]


def no_kubeconfig() -> ConfigError:
    """Return the error for none of the files that are named being there."""
    names = " and ".join(map(str, _named_files()))
    return ConfigError(
        f"kubeconfig {names}: must exist, got no such file. Set KUBECONFIG, or pass "
        "--local to run on this machine."
    )


def _named_files() -> list[Path]:
    default = str(Path("~", ".kube", "config"))
    named = os.environ.get("KUBECONFIG") or default
    return [Path(name).expanduser() for name in named.split(os.pathsep) if name]


def load_kubeconfig(
    files: Sequence[Path], context: str | None, configuration: client.Configuration
) -> str | None:
    """Fill a configuration with address and keys; return the context's namespace.

    Args:
        files: Those that exist; of two with one name the first counts.
        context: That is asked for; by default the current one.
        configuration: To be filled.

    Raises:
        ConfigError: A file cannot be read, or names no cluster to go to.
    """
    found = {path: _read_file(path) for path in files}
    namespace = _check_context(found, context)
    shown = os.pathsep.join(map(str, files))
    with _heard() as said:
        try:
            config.load_kube_config(shown, context, client_configuration=configuration)
        except LOADER_ERRORS as err:
            raise _fault(shown, "lead to a cluster", _one_line(err), "Mend it") from err
    if said:  # of a plugin: the loader goes on without credentials
        rule = "name a plugin that gives credentials"
        raise _fault(shown, rule, " ".join(said[-1].split())[:200], "Log in again")
    return namespace


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Give what the client's loader says to the root logger, instead of raising it."""
    said: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        said.append(record.getMessage())
        return False

    root = logging.getLogger()
    root.addFilter(keep)
    try:
        yield said
    finally:
        root.removeFilter(keep)


def _read_file(path: Path) -> _File:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise _fault(path, "be a file to read", err.strerror, "Check it") from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise _fault(path, "be YAML", _one_line(err), "Mend it") from err
    return _parsed(_File, document, path, "")


def _check_context(found: dict[Path, _File], context: str | None) -> str | None:
    """Follow the context to its cluster and user; return its namespace."""
    shown = os.pathsep.join(map(str, found))
    contexts = _by_name(found, lambda file: file.contexts)
    wanted = context or next((f.current for f in found.values() if f.current), None)
    known = f"one of {', '.join(contexts)}" if contexts else "one that it holds"
    if wanted is None:
        remedy = f"Set cluster.context, or current-context, to {known}"
        raise _fault(shown, "have a current context", "none", remedy)
    if wanted not in contexts:
        remedy = f"Set {'cluster.context' if context else 'current-context'} to {known}"
        raise _fault(shown, "hold the context that is asked for", wanted, remedy)
    path, named = contexts[wanted]
    place = _parsed(_Place, named.context, path, f"context {wanted}")
    _check_cluster(found, place.cluster, f"context {wanted}", shown)
    if place.user is not None:
        _check_user(found, place.user, f"context {wanted}", shown)
    return place.namespace


def _check_cluster(
    found: dict[Path, _File], name: str, context: str, shown: str
) -> None:
    clusters = _by_name(found, lambda file: file.clusters)
    if name not in clusters:
        rule = f"hold the cluster of its {context}"
        known = ", ".join(clusters) or "none"
        raise _fault(shown, rule, name, f"Clusters in it: {known}")
    path, named = clusters[name]
    address = _parsed(_Address, named.cluster, path, f"cluster {name}")
    _check_files(path, f"cluster {name}", address.authority)


def _check_user(found: dict[Path, _File], name: str, context: str, shown: str) -> None:
    users = _by_name(found, lambda file: file.users)
    if name not in users:
        known = ", ".join(users) or "none"
        rule = f"hold the user of its {context}"
        raise _fault(shown, rule, name, f"Users in it: {known}")
    path, named = users[name]
    own = _parsed(_Credentials, named.user or {}, path, f"user {name}")
    _check_files(path, f"user {name}", own.certificate, own.key, own.token_file)
    if own.plugin is not None and not _is_program(path, own.plugin.command):
        rule = f"name programs that are installed, as user {name} does"
        raise _fault(path, rule, f"no {own.plugin.command}", "Install it")


def _is_program(path: Path, command: str) -> bool:
    beside = path.parent / command if os.sep in command else command
    return shutil.which(beside) is not None


def _check_files(path: Path, owner: str, *names: str | None) -> None:
    for name in filter(None, names):
        if not (path.parent / Path(name).expanduser()).is_file():
            rule = f"name files that exist, as {owner} does"
            raise _fault(path, rule, f"no {name}", "Check the path in it")


def _by_name(
    found: dict[Path, _File], of: Callable[[_File], list[Entry] | None]
) -> dict[str, tuple[Path, Entry]]:
    """Return name → file and entry; of two with one name the first counts."""
    entries: dict[str, tuple[Path, Entry]] = {}
    for path, file in found.items():
        for entry in of(file) or ():
            entries.setdefault(entry.name, (path, entry))
    return entries


def _parsed(kind: type[Part], document: object, path: Path, where: str) -> Part:
    """Return a part of the file.

    Raises:
        ConfigError: It has not the shape of one.
    """
    try:
        return kind.model_validate(document)
    except ValidationError as err:
        fault = err.errors()[0]
        field = " ".join(filter(None, (where, ".".join(map(str, fault["loc"])))))
        rule = SHAPES.get(fault["type"], fault["msg"])
        got = "none" if fault["type"] == "missing" else repr(fault["input"])[:60]
        rule = f"have {rule} at {field}" if field else f"hold {rule}"
        raise _fault(path, rule, got, "Mend it") from err


def _fault(path: Path | str, rule: str, got: object, remedy: str) -> ConfigError:
    return ConfigError(f"kubeconfig {path}: must {rule}, got {got}. {remedy}.")


def _one_line(err: Exception) -> str:
    if isinstance(err, yaml.MarkedYAMLError) and err.problem_mark:
        return f"{err.problem} in line {err.problem_mark.line + 1}"
    return " ".join(str(err).rstrip(".").split())[:200]
