"""From a folder of images to a proven catalogue: digests, families, splits, tiles.

For any image set, in Python: `find_families` and `audit_split`. Both are loaded when
they are first asked for, so that what needs a name alone imports nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lcc.data.grouping import Families, find_families
    from lcc.data.leaks import SplitAudit
    from lcc.data.split_audit import audit_split

__all__ = ["Families", "SplitAudit", "audit_split", "find_families"]
_HOMES = {
    "Families": "grouping",
    "SplitAudit": "leaks",
    "audit_split": "split_audit",
    "find_families": "grouping",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
