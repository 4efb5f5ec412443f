"""What `import lcc` offers: families and audits of any image set, in Python."""

from lcc.audit.leaks import SplitAudit
from lcc.audit.report import write_report
from lcc.audit.split_audit import audit_split, audit_splits
from lcc.families.find import Families, find_families

__all__ = [
    "Families",
    "SplitAudit",
    "audit_split",
    "audit_splits",
    "find_families",
    "write_report",
]
