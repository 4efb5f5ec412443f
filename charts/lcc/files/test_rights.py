"""Ask the API server what the driver's account may do, and what it may not."""

import os
import sys

from kubernetes import client, config

MAY = (
    ("create", "batch", "jobs", ""),
    ("watch", "batch", "jobs", ""),
    ("delete", "batch", "jobs", ""),
    ("list", "", "pods", ""),
    ("get", "", "pods", "log"),
    ("create", "", "services", ""),
)
MAY_NOT = (
    ("delete", "", "pods", ""),
    ("delete", "", "services", ""),
    ("delete", "", "persistentvolumeclaims", ""),
    ("delete", "apps", "statefulsets", ""),
    ("get", "", "secrets", ""),
    ("list", "", "secrets", ""),
    ("create", "", "pods", "exec"),
    ("create", "", "pods", "portforward"),
    ("create", "rbac.authorization.k8s.io", "rolebindings", ""),
)
config.load_incluster_config()
api = client.AuthorizationV1Api()


def is_allowed(verb: str, group: str, resource: str, subresource: str) -> bool:
    """Return whether this pod's account may do so in its namespace."""
    attributes = {
        "namespace": os.environ["LCC_NAMESPACE"],
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
    }
    review = api.create_self_subject_access_review(
        {"spec": {"resourceAttributes": attributes}}
    )
    return bool(review.status.allowed)


missing = [need for need in MAY if not is_allowed(*need)]
excess = [need for need in MAY_NOT if is_allowed(*need)]
if missing or excess:
    sys.exit(f"driver account: lacks {missing}, may {excess}. Check its Role.")
sys.stdout.write("driver account: may run Jobs, may not read Secrets\n")
