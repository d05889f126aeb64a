"""Findings for people: read from wherever they can be, and handed out as one workbook for each health centre."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.desk.known import questionnaires_of
from laktasi.errors import LaktasiError, WarehouseError
from laktasi.settings import Settings
from laktasi.store.sql import scalar
from laktasi.workplace import RUN_FIRST, alone, check_begun, opened

if TYPE_CHECKING:
    from datetime import date

    import duckdb

    from laktasi.quality import Finding
    from laktasi.quality.duplicates import Difference
    from laktasi.report.workbook import Entry


@dataclass(frozen=True, slots=True)
class Source:
    """Where findings are read from."""

    con: duckdb.DuckDBPyConnection
    is_private: bool
    """The private warehouse: as of the latest checks, and with who accepted what. Else the research copy."""
    why: str = ""
    """Why it is not the private warehouse."""


@contextmanager
def findings_source(settings: Settings) -> Iterator[Source]:
    """Open the private warehouse, if nobody works in it, else the research copy.

    A gate can stop the publication, and then only the private warehouse knows which findings did.

    Raises
    ------
    WarehouseError
        Nothing has been checked yet, or neither can be opened.
    """
    from laktasi.store.warehouse import newest_research, open_research

    folder = settings.data_folder
    is_published = newest_research(folder.research).exists()
    with ExitStack() as stack:
        try:
            check_begun(folder)
            stack.enter_context(alone(folder, patience_seconds=0))
            source = Source(stack.enter_context(opened(folder)), is_private=True)
        except WarehouseError as error:
            if not is_published:
                raise
            source = Source(stack.enter_context(open_research(folder.research)), is_private=False, why=error.what)
        if source.is_private and not is_published and not _is_checked(source.con):
            raise WarehouseError(
                f"nothing has been checked in {folder.root} yet", why="Only a run checks.", next_step=RUN_FIRST
            )
        yield source


def _is_checked(con: duckdb.DuckDBPyConnection) -> bool:
    return con.execute("select 1 from quality.check_runs limit 1").fetchone() is not None


def sharing_a_key(con: duckdb.DuckDBPyConnection, settings: Settings, finding: Finding) -> tuple[Difference, ...]:
    """Tell which records share a key with that of a finding of a check of kind ``unique``, and where they differ.

    Returns
    -------
    tuple of Difference
        Names of questions, never an answer. Empty for other findings, and where no record shares a key any more.

    Raises
    ------
    CheckError
        schemas/checks.yml is not understood.
    """
    from dataclasses import replace

    from laktasi.quality import read_checks
    from laktasi.quality.duplicates import differences

    if finding.kind != "set":
        return ()
    declared = {check.id: check for check in read_checks(settings.folders.checks)}
    check = declared.get(finding.rule_id)
    if check is None or check.kind != "unique":
        return ()
    return differences(con, questionnaires_of(con), replace(check, form=finding.form_id), finding.submission_id)


def export_findings(
    settings: Settings, folder: Path, *, language: str, centre: str | None = None, force: bool = False
) -> list[tuple[Path, int]]:
    """Write the open findings as a workbook for each health centre, and one for those without a centre.

    A centre of the study that has none gets its workbook too: an older one must not lie there as if it were still true.

    Parameters
    ----------
    language
        ``id`` or ``en``.
    centre
        Only this one.
    force
        Put them in the place of workbooks that are there already.

    Returns
    -------
    list
        Each file and the number of findings in it.

    Raises
    ------
    LaktasiError
        A file is there already, or cannot be written; there is no such centre.
    WarehouseError
        Nothing has been checked yet.
    """
    from laktasi.quality import list_findings
    from laktasi.report.workbook import WITHOUT_CENTRE, Book, file_names, write_books

    with findings_source(settings) as source:
        found = list_findings(source.con, status="open", language=language)
        names = _centres(source.con, language)
        entries = _entries(source, found, language)
        checked_at = scalar(source.con, "select max(last_seen_at) from quality.findings")
    as_of = checked_at.astimezone().date() if checked_at else None
    by_centre: dict[str | None, list[Entry]] = {code: [] for code in names}
    if (folder / WITHOUT_CENTRE).exists():
        by_centre[None] = []
    for finding, entry in zip(found, entries, strict=True):
        by_centre.setdefault(finding.centre_code, []).append(entry)
    if centre is not None and centre not in by_centre:
        raise LaktasiError(
            f"there is no health centre {centre!r}",
            next_step="laktasi findings export --to FOLDER, without --centre, writes one workbook for each",
        )
    wanted = {code: items for code, items in by_centre.items() if centre in (None, code)}
    files = file_names(list(by_centre))
    books = {
        files[code]: Book(names.get(code, code) if code else None, tuple(items), as_of)
        for code, items in wanted.items()
    }
    return [(path, len(books[path.name].entries)) for path in write_books(folder, books, language, force=force)]


def _centres(con: duckdb.DuckDBPyConnection, language: str) -> dict[str | None, str]:
    """Give the name of each health centre of the study by its code."""
    rows = con.execute(
        "select centre_code, coalesce(labels[?], map_values(labels)[1], centre_code) from marts.centres order by 1",
        [language],
    ).fetchall()
    return dict(rows)


def _entries(source: Source, found: list[Finding], language: str) -> list[Entry]:
    """Put findings into the words of a workbook."""
    from laktasi.quality.messages import in_language, without_answers
    from laktasi.report.workbook import Entry

    # The marts that are published are made after the checks; where a gate stopped a run, or a kill, these are newer.
    people = "marts.interviews" if source.is_private else "marts.submissions"
    records: dict[tuple[str, str], tuple[str | None, date | None]] = {
        (form_id, submission_id): (subject, day)
        for form_id, submission_id, subject, day in source.con.execute(
            f"""
            select form_id, submission_id, subject_code, day from {people} as records
            semi join (from quality.findings where is_open) as found using (form_id, submission_id)
            """
        ).fetchall()
    }
    labels = {
        (form_id, rule_id): (path, texts)
        for form_id, rule_id, path, texts in source.con.execute(
            """
            select rules.form_id, rules.rule_id, codebook.path, codebook.labels
            from quality.rules as rules
            inner join staging.codebook as codebook
                on rules.form_id = codebook.form_id
                and rules.table_name = codebook.table_name
                and rules.field = codebook.column_name
            qualify row_number() over (partition by rules.form_id, rules.rule_id order by codebook.position) = 1
            """
        ).fetchall()
    }
    entries = []
    for finding in found:
        path, texts = labels.get((finding.form_id, finding.rule_id), ("", {}))
        subject, day = records.get((finding.form_id, finding.submission_id), (None, None))
        entries.append(
            Entry(
                finding_id=finding.finding_id,
                record=finding.submission_id,
                subject=subject,
                enumerator=finding.enumerator_code,
                day=day,
                question=in_language(without_answers(texts), language) or path.rpartition("/")[2],
                # where a node is one too many its name stands there: the sender's own words
                row="" if finding.kind == "unknown_node" else finding.row,
                message=in_language(without_answers({language: finding.message}), language) or finding.rule_id,
                severity=finding.severity,
                since=finding.first_seen_at.astimezone().date(),
            )
        )
    return entries
