"""Tissue classifiers whose number can be believed.

What `lcc.api` offers is loaded when it is first asked for, so that what
needs the version alone imports nothing heavy.
"""

from typing import TYPE_CHECKING, Any

from lcc.version import __version__

if TYPE_CHECKING:
    from lcc.api import (
        Families,
        SplitAudit,
        audit_split,
        audit_splits,
        find_families,
        load_model,
        write_report,
    )

__all__ = [
    "Families",
    "SplitAudit",
    "__version__",
    "audit_split",
    "audit_splits",
    "find_families",
    "load_model",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from lcc import api

    return getattr(api, name)
