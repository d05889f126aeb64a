"""Suites derived and declared, validation with Great Expectations, and the findings they make."""

from laktasi.quality.checking import CheckSummary, check
from laktasi.quality.declared import DeclaredCheck, read_checks
from laktasi.quality.findings import Finding, list_findings

__all__ = ["CheckSummary", "DeclaredCheck", "Finding", "check", "list_findings", "read_checks"]
