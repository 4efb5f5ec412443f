"""Where steps run: one folder per back end, none of which knows another."""

from lcc.config.launch import BackendName
from lcc.launch.backend import Backend


def backend_class(name: BackendName) -> type[Backend]:
    """Return the class of a back end; only its own libraries are imported."""
    match name:
        case BackendName.LOCAL:
            from lcc.backends.local.backend import LocalBackend

            return LocalBackend
        case BackendName.KUBERNETES:
            from lcc.backends.kubernetes.backend import KubernetesBackend

            return KubernetesBackend
