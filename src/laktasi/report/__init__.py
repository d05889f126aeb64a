"""The report that people read: HTML pages, made from the research copy alone."""

from laktasi.report.write import write_report

__all__ = ["write_report"]
