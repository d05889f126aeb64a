"""A data file checked by the form that it was filled with: what `laktasi check` does.

The records go into a warehouse of their own, in a folder that is removed afterwards, and are checked there as those of
a project are.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from laktasi.anyfile.askable import NotChecked, looked_at_nothing, part
from laktasi.anyfile.columns import VERSIONS, Match, Target, match
from laktasi.anyfile.partial import Partial, partial
from laktasi.anyfile.phonetext import Written, from_flags, from_parts, whole, with_offset
from laktasi.anyfile.reading import NAME_LIMITS, DataFile, read_data
from laktasi.errors import CheckError, QuestionnaireError
from laktasi.questionnaire.model import Questionnaire

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from laktasi.pipeline import Progress
    from laktasi.quality import DeclaredCheck, Finding

FILE_RULES = {
    "record_id.unique": {
        "id": "Pengenal ini dipakai oleh lebih dari satu baris.",
        "en": "More than one row has this id.",
    },
    "flag": {
        "id": "Kolom untuk satu pilihan hanya boleh berisi 0 atau 1.",
        "en": "A column for one choice may hold 0 and 1 only.",
    },
}
"""What is wrong with the file itself, in words."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: record, field and rule, never the answer."""

    record: str
    """What tells the record apart; empty where the file does not say, and of a finding about a group."""
    line: int | None
    """Line of the record as a spreadsheet counts (the header of a CSV file is 1); None of a finding about a group."""
    group: str
    """Kind and code of a group, as in ``enumerator:P03``; else empty."""
    field: str | None
    """Path of the question; None for a rule about several."""
    rule: str
    kind: str
    severity: str
    message: str


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a file was found to be; names, counts and rules, never an answer."""

    file: str
    form_id: str
    form_version: str
    rows: int
    rules: int
    """Different rules that were asked."""
    problems: tuple[Problem, ...]
    not_checked: tuple[NotChecked, ...]
    id_column: str | None
    not_found: tuple[str, ...]
    """Paths of the questions that no column holds."""
    computed: tuple[str, ...]
    """Paths of calculations that no column holds; they were computed."""
    repeats: tuple[str, ...]
    """Paths of the repeats; a file holds one row for each record, so their rules are not asked."""
    unknown: tuple[str, ...]
    """Columns that are no question, as far as they are called like columns."""
    unnamed: int
    """Further columns that are no question; what they are called could be answers of a file without a header."""
    claimed: tuple[tuple[str, tuple[str, ...]], ...]
    """Path of a question and the columns that could all be it; none was used."""
    unsure: tuple[tuple[str, tuple[str, ...]], ...]
    """Column and the questions that it could all be; it was not used."""
    remarks: tuple[tuple[str, str], ...]
    """Path of a question (or name of a column) and how its answers were read."""

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(problem.severity == "error" for problem in self.problems)


def check_file(
    path: Path,
    form: Path,
    *,
    checks: Path | None = None,
    id_column: str | None = None,
    language: str = "en",
    progress: Progress | None = None,
) -> Checkup:
    """Check the records of a data file by what their form says, and by declared checks.

    Parameters
    ----------
    path
        CSV, Parquet, SPSS or Stata; one row for each record.
    form
        XLSForm or XForm.
    checks
        Declared checks, in the words of schemas/checks.yml; what they name in files lies beside it.
    id_column
        The column that tells records apart; where it is not given, the ones of usual exports are looked for.
    language
        Of the messages.

    Raises
    ------
    SourceError
        The data file cannot be read.
    QuestionnaireError
        The form cannot be read.
    CheckError
        There is no record, no column is a question of the form, or a declared check cannot be asked.
    WarehouseError
        The records could not be worked on; no answer is quoted.
    """
    from laktasi.quality import read_checks

    questionnaire = read_form(form)
    data = read_data(path)
    columns = _matched(questionnaire, data, id_column)
    if checks is not None and not checks.is_file():
        raise CheckError(f"{checks.name}: there is no such file", next_step="check the path of the declared checks")
    declared = read_checks(checks) if checks is not None else ()
    written = _written(questionnaire, data, columns)
    cut = partial(questionnaire, written)
    labels = _labels(data, columns)
    with TemporaryDirectory(prefix="laktasi-") as name:
        records = _Records(questionnaire, cut, written, data.rows, declared, checks.parent if checks else None)
        found, not_checked, rules = records.check(Path(name), language, progress)
    problems = [_problem(row, labels, data, questionnaire) for row in found]
    problems += _about_file(data, labels, written, language)
    unknown = (*columns.unknown, *data.unreadable)
    told = columns.tellable(unknown, len(data.columns))
    return Checkup(
        file=data.name,
        form_id=questionnaire.form_id,
        form_version=questionnaire.version,
        rows=data.rows,
        rules=rules,
        problems=tuple(problems),
        not_checked=tuple(not_checked),
        id_column=data.columns[columns.id_column].name if columns.id_column is not None else None,
        not_found=tuple(item.path for item in cut.absent),
        computed=tuple(item.path for item in cut.computed),
        repeats=tuple(table.path for table in cut.repeats),
        unknown=told,
        unnamed=len(unknown) - len(told),
        claimed=columns.claimed,
        unsure=columns.unsure,
        remarks=tuple(_remarks(questionnaire, data, written)),
    )


def read_form(path: Path) -> Questionnaire:
    """Read an XLSForm (.xlsx, .md) or an XForm (.xml), with the media beside it.

    Raises
    ------
    QuestionnaireError
        It is neither.
    """
    from laktasi.questionnaire import xform, xlsform

    if path.suffix.lower() not in (".xlsx", ".md", ".xml"):
        raise QuestionnaireError(
            f"{path.name} is no form: a form ends in .xlsx (XLSForm) or .xml (XForm)",
            next_step="name the form with --form, and the data file before it",
        )
    if path.suffix.lower() != ".xml":
        converted = xlsform.convert(path)
        return xform.parse(converted.xform, converted.media)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise QuestionnaireError(f"{path.name}: there is no such file", next_step="check the path") from error
    return xform.parse(content, xlsform.read_media(path))


def _matched(questionnaire: Questionnaire, data: DataFile, id_column: str | None) -> Match:
    names = [column.name for column in data.columns]
    if not data.rows:
        raise CheckError(
            f"{data.name} has no record",
            why="Checks of nothing would seem to pass.",
            next_step="export it again, with the records",
        )
    columns = match(questionnaire, names, limit=NAME_LIMITS.get(data.kind), id_name=id_column)
    if not columns.is_of_form:
        raise CheckError(
            f"no column of {data.name} is a question of form {questionnaire.form_id!r}",
            why=f"It has {len(names)} columns; they are not named here, for where there is no header they are answers.",
            next_step="check that the file has a header, and that file and form belong together",
        )
    if id_column is not None and columns.id_column is None:
        told = columns.tellable(names, len(names))
        raise CheckError(
            f"{data.name} has no column {id_column!r}",
            why=f"It has {len(names)} columns"
            + (f": {', '.join(told[:20])}{' …' if len(names) > 20 else ''}." if told else "."),
            next_step="name the column that tells records apart with --id",
        )
    return columns


def _written(questionnaire: Questionnaire, data: DataFile, columns: Match) -> dict[str, Written]:
    """Give the answers to each question that the file has, by path."""
    written: dict[str, Written] = {}
    for item in questionnaire.fields_of(questionnaire.tables[0].name):
        choices = questionnaire.choice_lists.get(item.list_name or "")
        parts = {target: data.columns[at] for target, at in columns.parts.get(item.path, {}).items()}
        if item.path in columns.whole:
            found = whole(item, choices, data.columns[columns.whole[item.path]])
            if (offset := parts.get(Target(item.path, offset=True))) is not None:
                found = with_offset(found, offset)
            written[item.path] = found
        elif choices is not None and (flags := {key: part for key, part in parts.items() if key.choice is not None}):
            written[item.path] = from_flags(choices, flags)
        elif {0, 1} <= {target.part for target in parts}:
            written[item.path] = from_parts(parts)
    return written


@dataclass(frozen=True, slots=True)
class _Records:
    """Records as they are checked."""

    whole: Questionnaire
    cut: Partial
    written: Mapping[str, Written]
    rows: int
    declared: Sequence[DeclaredCheck]
    schemas: Path | None

    def check(
        self, folder: Path, language: str, progress: Progress | None
    ) -> tuple[list[Finding], list[NotChecked], int]:
        """Check them in a warehouse of their own; give findings, what was not asked, and how many rules were."""
        from pydantic import SecretStr

        from laktasi import quality
        from laktasi.paths import DataFolder
        from laktasi.questionnaire.codebook import entries
        from laktasi.store import marts, runs, staging
        from laktasi.store.answers import load_answers
        from laktasi.workplace import opened

        form = self.cut.questionnaire
        forms = {(form.form_id, form.version): form}
        # With a key that nobody has: a check that is killed leaves a warehouse in the temporary folder.
        with opened(DataFolder(folder, key=SecretStr(secrets.token_hex(32)))) as con:
            run_id = runs.begin(con, "check")
            load_answers(con, forms)
            staging.stand_lists(con, forms, entries([form]))
            _fill(con, form, self.written, self.rows)
            _compute(con, self.cut, self.written)
            staging.stand(con, forms)
            marts.build_interviews(con, None, None, forms)
            asked, unasked = part(con, self.declared, self.whole, self.cut, self.schemas)
            summary = quality.check(con, run_id, forms, asked, schemas=self.schemas, progress=progress)
            found = quality.list_findings(con, language=language)
            gaps = con.execute("select field, kind, reason from quality.unverified order by all").fetchall()
            unasked += [self._not_checked(*gap) for gap in gaps] + looked_at_nothing(con)
        return found, unasked, summary.rules

    def _not_checked(self, field: str, kind: str, reason: str) -> NotChecked:
        paths = {item.column: item.path for item in self.whole.fields_of(self.whole.tables[0].name)}
        return NotChecked(paths.get(field, field), kind, self.cut.reason(reason))


def _key(row: int) -> str:
    # As text it sorts as the file does.
    return f"{row:09d}"


def _fill(con: duckdb.DuckDBPyConnection, form: Questionnaire, written: Mapping[str, Written], rows: int) -> None:
    """Put the records where those of a project stand after they have been read."""
    import pyarrow as pa

    from laktasi.store.rows import append
    from laktasi.store.sql import identifier

    def same(value: str) -> pa.Array:
        return pa.repeat(pa.scalar(value), rows)

    keys = pa.array([_key(row) for row in range(rows)], pa.string())
    answers = {item.column: written[item.path].values for item in form.fields if item.path in written}
    fixed = {"_submission_id": keys, "_row": same(""), "_form_version": same(form.version)}
    append(con, identifier("answers", form.tables[0].name), pa.table({**fixed, **answers}))
    known = {"form_id": same(form.form_id), "form_version": same(form.version), "payload_sha256": same("")}
    append(con, "answers.loaded_submissions", pa.table({**known, "_submission_id": keys, "layout": same("")}))
    submissions = {
        **known,
        "submission_id": keys,
        "instance_id": keys,
        "status": same("unknown"),
        "state": same("staged"),
        "version_count": pa.repeat(1, rows),
        "first_landed_at": pa.repeat(pa.scalar(datetime.now(UTC), pa.timestamp("us", "UTC")), rows),
    }
    append(con, "staging.submissions", pa.table(submissions))


def _compute(con: duckdb.DuckDBPyConnection, cut: Partial, written: Mapping[str, Written]) -> None:
    """Compute the calculations that the file does not have, and the digits that 32 bits have no room for."""
    from laktasi.questionnaire.recompute import recompute_sql
    from laktasi.store.sql import identifier

    form = cut.questionnaire
    table = form.tables[0].name
    made = recompute_sql(form, table, "answers.loaded_submissions")
    sets = [f"{identifier(item.column)} = made.{identifier(item.column)}" for item in cut.computed]
    for item in form.fields:
        if item.calculate is not None and item.column in made.columns and _is_single(written.get(item.path)):
            old, new = f"answers.{identifier(item.column)}", f"made.{identifier(item.column)}"
            same = f"try_cast({old} as float) = try_cast({new} as float)"
            sets.append(f"{identifier(item.column)} = case when {same} then {new} else {old} end")
    if sets:
        con.execute(f"create or replace temp table made as {made.select}")
        con.execute(
            f"update {identifier('answers', table)} as answers set {', '.join(sets)}"
            " from made where answers._submission_id = made._submission_id"
        )


def _is_single(answers: Written | None) -> bool:
    return answers is not None and answers.is_single


def _labels(data: DataFile, columns: Match) -> list[str]:
    """Give what tells each record apart; empty where nothing does."""
    if columns.id_column is None:
        return [""] * data.rows
    return [word or "" for word in data.columns[columns.id_column].values.to_pylist()]


def _problem(row: Finding, labels: Sequence[str], data: DataFile, questionnaire: Questionnaire) -> Problem:
    paths = {item.column: item.path for item in questionnaire.fields_of(questionnaire.tables[0].name)}
    at = int(row.submission_id) if row.submission_id else None
    return Problem(
        record=labels[at] if at is not None else "",
        line=data.line(at) if at is not None else None,
        group=row.row,
        field=paths.get(row.field, row.field) if row.field else None,
        rule=row.rule_id,
        kind=row.kind or "",
        severity=row.severity,
        message=row.message,
    )


def _about_file(data: DataFile, labels: Sequence[str], written: Mapping[str, Written], language: str) -> list[Problem]:
    """Give what is wrong with the file itself: one id for several records, and flags that are none."""

    def problem(at: int, field: str | None, rule: str, said: str) -> Problem:
        words = FILE_RULES[said].get(language, FILE_RULES[said]["en"])
        return Problem(labels[at], data.line(at), "", field, rule, "file", "error", words)

    times = Counter(label for label in labels if label)
    twice = [at for at, label in enumerate(labels) if times[label] > 1]
    problems = [problem(at, None, "record_id.unique", "record_id.unique") for at in twice]
    for path, answers in written.items():
        problems += [problem(at, path, f"{path.replace('/', '__')}.flag", "flag") for at in answers.wrong]
    return problems


def _remarks(questionnaire: Questionnaire, data: DataFile, written: Mapping[str, Written]) -> Iterable[tuple[str, str]]:
    for path, answers in written.items():
        for remark in answers.remarks:
            yield path, remark
    for column in data.columns:
        if column.name in VERSIONS:
            others = [word for word in column.values.to_pylist() if word is not None and word != questionnaire.version]
            if others:
                yield column.name, f"{len(others)} records are of another form version, and were checked by this one"
