"""What a manager opens after a run: named on Prefect's page, where the runs are looked at."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from laktasi.quality import Finding, list_findings
from laktasi.report.drawn import write_list
from laktasi.settings import Settings
from laktasi.store.warehouse import newest_research

LEFT_OUT = ("reviewer", "reason")
"""Of a finding: people write reasons in words of their own."""


def write_findings(settings: Settings) -> Path:
    """Write the open findings beside the report, for a spreadsheet; give the file.

    It names record, field and rule, never the answer. Findings about a phone stay out: their record is its id.
    """
    found = list_findings(newest_research(settings.data_folder.research), language=settings.language)
    kept = [item.name for item in fields(Finding) if item.name not in LEFT_OUT]
    path = settings.data_folder.report.with_name("findings.csv")
    write_list(path, kept, [[getattr(item, name) for name in kept] for item in found if not item.is_about_phone])
    return path


def what_to_read(settings: Settings) -> str:
    """Give, as Markdown, the files that a manager opens after a run; those that are not there are left out."""
    report = settings.data_folder.report
    files = (
        ("The report", report),
        ("What was checked, and what was found", report.with_name("checks.html")),
        ("People and places", report.with_name("people.html")),
        ("Open findings, for a spreadsheet", report.with_name("findings.csv")),
    )
    lines = [f"- [{what}]({path.as_uri()})  \n  `{path}`" for what, path in files if path.exists()]
    note = (
        "Browsers do not follow a link from this page to a file: copy the path into the address bar, or open the file."
    )
    return "\n".join([*lines, "", note])
