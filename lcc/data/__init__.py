"""From a folder of images to a proven catalogue: digests, families, splits, tiles.

For any image set, in Python: `find_families` and `audit_split`. Both are loaded when
they are first asked for, so that what needs a name alone imports nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lcc.data.audit.leaks import SplitAudit
    from lcc.data.audit.split_audit import audit_split
    from lcc.data.kin.grouping import Families, find_families

__all__ = ["Families", "SplitAudit", "audit_split", "find_families"]
_HOMES = {
    "Families": "kin.grouping",
    "SplitAudit": "audit.leaks",
    "audit_split": "audit.split_audit",
    "find_families": "kin.grouping",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
