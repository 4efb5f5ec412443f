"""What `import lcc` offers: families and audits of any image set, in Python."""

from lcc.audit.leaks import SplitAudit
from lcc.audit.report import write_report
from lcc.audit.split_audit import audit_split
from lcc.families.find import Families, find_families

__all__ = ["Families", "SplitAudit", "audit_split", "find_families", "write_report"]
