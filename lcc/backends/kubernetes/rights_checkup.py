"""Looks at what this account may do: all that a launch needs, and an install."""

from collections.abc import Iterator

from lcc.backends.kubernetes.interface import Cluster
from lcc.backends.kubernetes.subject import Subject
from lcc.launch.backend import Finding

REVIEW = "apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
BATCH, RBAC = "batch", "rbac.authorization.k8s.io"
Need = tuple[str, str, str, str]  # verb, group, resource, subresource
NEEDS: tuple[Need, ...] = (
    ("create", BATCH, "jobs", ""),
    ("list", BATCH, "jobs", ""),
    ("watch", BATCH, "jobs", ""),
    ("delete", BATCH, "jobs", ""),
    ("patch", BATCH, "jobs", ""),
    ("list", "", "pods", ""),
    ("watch", "", "pods", ""),
    ("get", "", "pods", "log"),
    ("create", "", "pods", "portforward"),
    ("get", "", "services", ""),
    ("create", "", "services", ""),
    ("list", "", "configmaps", ""),
    ("list", "", "events", ""),
)
INSTALL_NEEDS: tuple[Need, ...] = (
    ("create", "apps", "deployments", ""),
    ("create", "apps", "statefulsets", ""),
    ("create", "", "configmaps", ""),
    ("create", "", "secrets", ""),
    ("create", "", "services", ""),
    ("create", "", "serviceaccounts", ""),
    ("create", RBAC, "roles", ""),
    ("create", RBAC, "rolebindings", ""),
    ("create", "networking.k8s.io", "networkpolicies", ""),
)


def check_rights(subject: Subject) -> Iterator[Finding]:
    """Yield what this account may not do of what a launch, or an install, needs."""
    missing = _missing(subject.cluster, NEEDS)
    if missing:
        yield Finding(
            name="rights",
            text=f"this account may not {missing}",
            remedy="Ask for the chart's launcher Role (launcher.subjects).",
            is_fault=True,
        )
    else:
        yield Finding(name="rights", text="all that a launch needs")
    if subject.chart is None and (missing := _missing(subject.cluster, INSTALL_NEEDS)):
        yield Finding(
            name="rights",
            text=f"to install the chart, this account may not {missing}",
            remedy="Ask an administrator of the namespace to install it.",
        )


def _missing(cluster: Cluster, needs: tuple[Need, ...]) -> str:
    return ", ".join(
        f"{verb} {resource}{f'/{sub}' if sub else ''}"
        for verb, group, resource, sub in needs
        if not _may(cluster, (verb, group, resource, sub))
    )


def _may(cluster: Cluster, need: Need) -> bool:
    verb, group, resource, subresource = need
    attributes = {
        "namespace": cluster.namespace,
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return bool(cluster.post(REVIEW, review)["status"]["allowed"])
