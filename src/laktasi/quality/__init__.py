"""Suites derived and declared, validation with Great Expectations, and the findings they make."""

from laktasi.quality.checking import CheckSummary, check
from laktasi.quality.declared import DeclaredCheck, read_checks
from laktasi.quality.gates import Gates, pass_gate, read_gates
from laktasi.quality.listing import Finding, list_findings

__all__ = [
    "CheckSummary",
    "DeclaredCheck",
    "Finding",
    "Gates",
    "check",
    "list_findings",
    "pass_gate",
    "read_checks",
    "read_gates",
]
