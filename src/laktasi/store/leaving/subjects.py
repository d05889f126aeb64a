"""Which records are of one person: where each form asks for the study code, and whose code stands there."""

from __future__ import annotations

import re
import unicodedata
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from xml.etree.ElementTree import ParseError

import duckdb

from laktasi.back_checks import BackChecks
from laktasi.questionnaire.model import Questionnaire
from laktasi.secret import keyed
from laktasi.store.forms import Questionnaires, versions_of
from laktasi.store.payloads import parse_payload
from laktasi.store.places import find_places
from laktasi.store.rows import append, by_column
from laktasi.store.sql import identifier, literal, transaction
from laktasi.store.submissions import select_versions
from laktasi.study import Study

SubjectPlaces = Mapping[str, tuple[str, ...]]
"""By form: paths of the questions that ask for the study code."""

IsHers = Callable[[str], bool]
"""Says whether a study code, as it was typed, is that of somebody."""

_NODE = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>([^<>]*)<")
"""A node that holds a text alone, in a file that may be torn."""


def normalised(code: str) -> str:
    """Give a study code as codes are compared: spaces around and between, and small or great letters, say nothing."""
    return " ".join(unicodedata.normalize("NFKC", code).split()).casefold()


def hash_of(key: bytes, code: str) -> str:
    """Give what stands for a study code in a tombstone, see :func:`laktasi.secret.keyed`."""
    return keyed(key, "", "study code", normalised(code))


def subject_places(
    study: Study | None, questionnaires: Questionnaires, back_checks: BackChecks | None = None
) -> dict[str, tuple[str, ...]]:
    """Say where each form asks for the study code.

    In the study's own form it is the question of the role ``subject``. In the form of the back checks it is what that
    question is matched by. In any other form it is a question outside of repeats that is called the same.
    """
    if study is None or study.roles.subject is None:
        return {}
    own = list(dict.fromkeys(_paths(versions_of(questionnaires, study.form_id), study.roles.subject)))
    names = dict.fromkeys(path.rpartition("/")[2] for path in own)
    found: dict[str, list[str]] = {}
    for form_id in {form_id for form_id, _ in questionnaires}:
        versions = versions_of(questionnaires, form_id)
        paths = own if form_id == study.form_id else [path for name in names for path in _paths(versions, name)]
        if back_checks is not None and form_id == back_checks.back_check.form_id != study.form_id:
            originals = versions_of(questionnaires, back_checks.original.form_id)
            for original, repeated in zip(back_checks.original.match, back_checks.back_check.match, strict=True):
                if set(_paths(originals, original)) & set(own):
                    paths = [*paths, *_paths(versions, repeated)]
        found[form_id] = list(dict.fromkeys(paths))
    return {form_id: tuple(paths) for form_id, paths in sorted(found.items()) if paths}


def _paths(versions: Iterable[Questionnaire], name: str) -> Iterator[str]:
    """Give the paths that a question has, version by version; where a version has several of that name, none."""
    for questionnaire in versions:
        try:
            field = questionnaire.find(name)
        except KeyError:
            continue
        if field.table == questionnaire.tables[0].name:
            yield field.path


def keep_places(con: duckdb.DuckDBPyConnection, places: SubjectPlaces) -> None:
    """Write down where forms ask for the study code: who takes in what comes knows no questionnaire."""
    import pyarrow as pa

    rows = [{"form_id": form_id, "path": path} for form_id, paths in places.items() for path in paths]
    if places != known_places(con):
        with transaction(con):
            con.execute("delete from meta.subject_places")
            append(con, "meta.subject_places", by_column({"form_id": pa.string(), "path": pa.string()}, rows))


def known_places(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, ...]]:
    """Give what :func:`keep_places` wrote down."""
    rows = con.execute("select form_id, path from meta.subject_places order by form_id, rowid").fetchall()
    return {form_id: tuple(path for _, path in of_form) for form_id, of_form in groupby(rows, lambda row: row[0])}


def code_in(payload: bytes, paths: Iterable[str]) -> str | None:
    """Give the study code that a payload names; None where it names none, or cannot be read."""
    try:
        root = parse_payload(payload)
    except (ParseError, ValueError, LookupError):
        return None
    for path in paths:
        node: Any = root
        for name in path.split("/"):
            node = next((child for child in node if child.tag.rpartition("}")[2] == name), None)
            if node is None:
                break
        if node is not None and node.text and node.text.strip():
            return str(node.text)
    return None


def texts_in(content: bytes) -> Iterator[tuple[str, str]]:
    """Give the nodes of a file that hold a text: name and text. The file may be torn, or no XML at all."""
    text = content.decode("utf-16" if content[:2] in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8", "replace")
    yield from _NODE.findall(text)


@dataclass(frozen=True, slots=True)
class Records:
    """Records that have to do with somebody, each as form and submission."""

    hers: Mapping[tuple[str, str], tuple[str, ...]]
    """Those that name her now, or that name nobody now and named her last; all ids of the chain of each."""
    others: tuple[tuple[str, str], ...]
    """Those that named her once, and name somebody else now: an edit or a correction says that they are not hers."""


def find_records(
    con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires, places: SubjectPlaces, is_hers: IsHers
) -> Records:
    """Find the records of one person in all forms.

    What counts is the code as it stands corrected now. Where a record has none now, or is not staged (a draft, deleted,
    dropped, of a form version that is not known), its versions are asked, the newest first.

    Parameters
    ----------
    con
        The private warehouse; answers are loaded.
    """
    hers = set(find_staged(con, questionnaires, places, is_hers))
    others: set[tuple[str, str]] = set()
    for (form_id, submission_id, is_settled), versions in groupby(
        _versions(con, questionnaires, places), lambda row: row[:3]
    ):
        record = (form_id, submission_id)
        codes = [code for *_, payload in versions if (code := code_in(payload, places[form_id])) is not None]
        if not is_settled and codes and is_hers(codes[0]):
            hers.add(record)
        elif record not in hers and any(map(is_hers, codes)):
            others.add(record)
    return Records(ids_of(con, hers), tuple(sorted(others)))


def find_staged(
    con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires, places: SubjectPlaces, is_hers: IsHers
) -> dict[tuple[str, str], str]:
    """Give the staged records that name her, each with the code as it stands there."""
    hers: dict[tuple[str, str], str] = {}
    for form_id, table, column in _columns(con, questionnaires, places):
        texts = con.execute(f"select distinct {column} from {table} where trim({column}) <> ''").fetchall()
        if hits := [text for (text,) in texts if is_hers(text)]:
            found = con.execute(
                f"select _submission_id, {column} from {table} where {column} in (select unnest(?))", [hits]
            ).fetchall()
            hers |= {(form_id, submission_id): text for submission_id, text in found}
    return hers


def _columns(
    con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires, places: SubjectPlaces
) -> Iterator[tuple[str, str, str]]:
    """Give form, table and column, quoted, of every place in schema answers where a study code stands."""
    known = set(
        con.execute(
            """
            select table_name, column_name from duckdb_columns()
            where database_name = current_database() and schema_name = 'answers'
            """
        ).fetchall()
    )
    at = find_places(questionnaires)
    for form_id, paths in places.items():
        for table, column in dict.fromkeys((at[form_id, path].table, at[form_id, path].column) for path in paths):
            if (table, column) in known:  # else the first submission of this version is still to be read
                yield form_id, identifier("answers", table), identifier(column)


def _versions(
    con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires, places: SubjectPlaces
) -> Iterator[tuple[Any, ...]]:
    """Give versions of records that name nobody as they stand, or have several: record by record, the newest first.

    Columns are form, submission, whether it names somebody as it stands, and payload.
    """
    naming = [
        f"select {literal(form_id)} as form_id, _submission_id as submission_id from {table} where trim({column}) <> ''"
        for form_id, table, column in _columns(con, questionnaires, places)
    ]
    settled = " union ".join(naming) or "select null as form_id, null as submission_id where false"
    listed = con.execute(
        f"""
        with versions as ({select_versions()}),
        settled as ({settled}),
        landed as (
            select form_id, instance_id, payload_sha256, any_value(payload) as payload, max(landed_at) as landed_at
            from raw.submissions where form_id in (select unnest($forms)) group by all
        ),
        called as (
            -- What was purged on Central and sent again under its old id is among no versions; its answers are here.
            select
                landed.form_id,
                coalesce(versions.submission_id, landed.instance_id) as submission_id,
                versions.depth,
                coalesce(versions.changed_at, landed.landed_at) as changed_at,
                landed.payload
            from landed left join versions using (form_id, instance_id, payload_sha256)
        ),
        several as (from called select form_id, submission_id group by all having count(*) > 1)
        select form_id, submission_id, (form_id, submission_id) in (from settled) as is_settled, payload
        from called
        where not is_settled or (form_id, submission_id) in (from several)
        order by form_id, submission_id, depth desc nulls last, changed_at desc
        """,
        {"forms": list(places)},
    )
    while batch := listed.fetchmany(1000):
        yield from batch


def ids_of(
    con: duckdb.DuckDBPyConnection, records: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Give all ids by which each record may come again: of its versions, and of those that they name as replaced."""
    listed = sorted(records)
    if not listed:
        return {}
    forms, submissions = (list(column) for column in zip(*listed, strict=True))
    found = con.execute(
        f"""
        with hers as (select unnest($forms) as form_id, unnest($submissions) as submission_id),
        versions as (
            select distinct form_id, submission_id, instance_id
            from ({select_versions()}) semi join hers using (form_id, submission_id)
        ),
        ids as (
            select form_id, submission_id, submission_id as id from hers
            union
            select form_id, submission_id, instance_id from versions
            union
            select versions.form_id, versions.submission_id, replaced.deprecated_id
            from versions inner join raw.submissions as replaced using (form_id, instance_id)
            where replaced.deprecated_id <> ''
            union
            select hers.form_id, hers.submission_id, made.instance_id
            from hers inner join raw.submission_versions as made using (form_id, submission_id)
        )
        -- What it is called comes first: so Central calls it, too.
        select form_id, submission_id, list(id order by id <> submission_id, id) from ids group by all order by all
        """,
        {"forms": forms, "submissions": submissions},
    ).fetchall()
    return {(form_id, submission_id): tuple(ids) for form_id, submission_id, ids in found}
