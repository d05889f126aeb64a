"""From the research copy and the rule to what may go out: columns, rows without what makes somebody stand out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from laktasi.errors import ReleaseError
from laktasi.questionnaire.model import Texts, ValueType
from laktasi.release import rule as treatments
from laktasi.release.columns import DATES, NUMBERS, POSITIONS, Column, centre_column, column_of, several, treated
from laktasi.release.names import name_columns, plain_label
from laktasi.release.places import Places, Whereabouts, decide_places, says_where
from laktasi.release.pseudonyms import pseudonyms, shifts
from laktasi.release.questions import Question, questions_of
from laktasi.release.rule import Rule, Treatment
from laktasi.release.source import Source, joint_tables, relies_on, root_of
from laktasi.release.suppress import MOST_COLUMNS, WITHHELD, class_sizes, suppress

RECORD, WITHHELD_COLUMN = "record", "withheld"
RECORD_LABELS: Texts = {"id": "Catatan (nama samaran)", "en": "Record (pseudonym)"}
WITHHELD_LABELS: Texts = {"id": "Kolom yang jawabannya dirahasiakan", "en": "Columns whose answer is withheld"}
"""The two columns that are ours."""

_ALLOWED = {
    treatments.BAND: ("numbers", NUMBERS),
    treatments.TRUNCATE: ("dates", DATES),
    treatments.SHIFT: ("dates", DATES),
    treatments.CATEGORY: ("texts that the form computes", (ValueType.TEXT,)),
    treatments.PSEUDONYM: ("texts and choices", (ValueType.TEXT, ValueType.SELECT_ONE)),
    treatments.KEPT: ("choices and numbers", (ValueType.SELECT_ONE, ValueType.BOOLEAN, *NUMBERS)),
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What may go out, before it is written."""

    columns: tuple[Column, ...]
    """Without the two of our own; records in the order in which they are written."""
    records: tuple[str, ...]
    """Pseudonym of each record, in order."""
    withheld: NDArray[np.bool_]
    """Shape (records, columns)."""
    order: NDArray[np.int64]
    """Place in the source of each record. Private."""
    left_out: Mapping[str, str]
    """Why a question is not in it, by path; a key of ``texts.LEFT_OUT``."""
    places: Places
    groups: NDArray[np.int64]
    """Number of the group of records with the same published places, in the order of the source."""
    sizes: NDArray[np.int64]
    """People in the class of each record, in the order of the source."""
    borrowed: int

    @property
    def quasi(self) -> list[int]:
        """Give the columns that are quasi-identifiers."""
        return [at for at, column in enumerate(self.columns) if column.is_quasi]


def prepare(source: Source, rule: Rule, key: bytes) -> Prepared:
    """Apply the rule.

    Parameters
    ----------
    key
        The project's secret. Nothing that comes of it can be turned back without it.

    Raises
    ------
    ReleaseError
        The rule names a question that the form has not, asks for what may not be, or cannot be met.
    """
    _check_names(source, rule)
    columns, left_out = _columns(source, rule, key)
    if not columns:
        raise ReleaseError("by this rule no column may go out", next_step="see docs/release.md")
    named = [column.path.replace("#", "_") for column in columns]
    names = name_columns(named, (RECORD, WITHHELD_COLUMN))
    columns = [replace(column, name=names[path]) for column, path in zip(columns, named, strict=True)]
    places, masks = _places(source, rule, columns)
    groups = (
        np.unique(places.codes, axis=0, return_inverse=True)[1].reshape(-1) if masks else np.zeros(source.size, int)
    )
    free = [at for at, column in enumerate(columns) if column.is_quasi and not column.is_place]
    if len(free) > MOST_COLUMNS:
        raise ReleaseError(
            f"the rule keeps {len(free)} quasi-identifiers beside the places; {MOST_COLUMNS} are the most",
            next_step="drop some in schemas/release.yml: with so many nearly every answer would be withheld",
        )
    codes = np.stack([columns[at].codes() for at in free], axis=1) if free else np.empty((source.size, 0), np.int64)
    try:
        lost = suppress(codes, places.codes, source.persons, rule.k, _order(rule, columns, free))
    except ValueError:
        raise ReleaseError(
            f"fewer than {rule.k} people are left at a place, or in all",
            next_step="wait for more records, drop the places, or choose a smaller k in schemas/release.yml",
        ) from None
    withheld = np.zeros((source.size, len(columns)), dtype=bool)
    withheld[:, free] = lost.mask
    for at, mask in masks.items():
        withheld[:, at] = mask
    classes = np.hstack([np.where(lost.mask, WITHHELD, codes), places.codes])
    records = [text or "" for text in pseudonyms(key, repr(rule), RECORD, source.submission_ids.tolist())]
    order = np.argsort(np.array(records))
    kept = [column.without(withheld[:, at]).ordered(order) for at, column in enumerate(columns)]
    return Prepared(
        columns=tuple(column.trimmed() if column.is_place else column for column in kept),
        records=tuple(records[at] for at in order.tolist()),
        withheld=withheld[order],
        order=order,
        left_out=left_out,
        places=places,
        groups=groups,
        sizes=class_sizes(classes, source.persons),
        borrowed=lost.borrowed,
    )


def _check_names(source: Source, rule: Rule) -> None:
    paths = {question.path for question in source.questions}
    for name in (*rule.treat, *rule.suppress):
        if name not in paths:
            meant = difflib.get_close_matches(name, paths, n=1, cutoff=0.5)
            raise ReleaseError(
                f"release.yml: the form {source.study.form_id!r} has no question {name!r} outside of repeats",
                next_step=f"name it by its path{f' ({meant[0]}?)' if meant else ''} in schemas/release.yml",
            )
    for question in source.questions:
        if treatment := rule.treat.get(question.path):
            _check_treatment(source, question, treatment)


def _check_treatment(source: Source, question: Question, treatment: Treatment) -> None:
    """Refuse a treatment that the question cannot have, whatever the data are."""
    kind = treatment.kind
    if kind == treatments.DROPPED:
        return
    what = f"release.yml: {question.path}"
    if question.privacy == "direct" or question.type in (*POSITIONS, ValueType.MEDIA):
        raise ReleaseError(
            f"{what} never goes out: it is a direct identifier, a position or a file",
            next_step="take it out of 'treat'",
        )
    whom, types = _ALLOWED[kind]
    if question.type not in types or (kind == treatments.CATEGORY and not question.calculate):
        raise ReleaseError(
            f"{what} is of type {question.type.value}: {kind!r} is for {whom}", next_step="see docs/release.md"
        )
    if kind != treatments.PSEUDONYM and _is_code(source, question):
        raise ReleaseError(
            f"{what} is the code of a person: it goes out as a pseudonym, or not at all",
            next_step="write 'pseudonym' or 'drop'",
        )


def _is_code(source: Source, question: Question) -> bool:
    roles = source.study.roles
    return any(question in questions_of(source.questions, name) for name in (roles.subject, roles.enumerator) if name)


def _columns(source: Source, rule: Rule, key: bytes) -> tuple[list[Column], dict[str, str]]:
    """Give the columns that the rule and the questionnaire let out, and why the other questions are not among them."""
    counted = {path for path, treatment in rule.treat.items() if treatment.kind in treatments.COUNTED}
    quasi = {item.path for item in source.questions if item.privacy == "quasi"} | counted
    relying = relies_on(source.questions, quasi, root_of(source.questions))
    moved: dict[int, NDArray[np.int64]] = {}
    centres = np.unique(source.centre_codes.astype(str), return_inverse=True)[1].astype(np.int64)
    columns: list[Column] = []
    left_out: dict[str, str] = {}
    for question in source.questions:
        treatment = rule.treat.get(question.path)
        if reason := _why_not(source, question, treatment, relying):
            left_out[question.path] = reason
            continue
        labels = {language: plain_label(text) for language, text in question.labels.items()}
        if question in source.centres:
            assert treatment is not None
            columns.append(replace(treated(centre_column(source, question, labels), treatment), is_place=True))
            continue
        if question.type is ValueType.SELECT_MULTIPLE:
            columns += several(source, question, labels)
            continue
        column = column_of(source, question, labels)
        if treatment is None:
            if says_where(column.codes(), centres):
                left_out[question.path] = "place"
            else:
                columns.append(column)
            continue
        if treatment.kind == treatments.SHIFT and treatment.days not in moved:
            moved[treatment.days] = np.array(shifts(key, treatment.days, _people(source)), dtype=np.int64)
        if treatment.kind == treatments.PSEUDONYM:
            _check_once(question, column)
        made = treated(column, treatment, moved=moved.get(treatment.days), key=key, salt=repr(rule))
        if treatment.kind == treatments.CATEGORY:
            made = replace(made, is_quasi=question.privacy != "none" or says_where(made.codes(), centres))
        columns.append(replace(made, is_place=made.is_quasi and says_where(made.codes(), centres)))
    return columns, left_out


def _people(source: Source) -> list[str]:
    """Name the respondent of each record: one person's dates move together, in all her records."""
    first = {person: source.submission_ids[at] for at, person in reversed(list(enumerate(source.persons.tolist())))}
    return [str(first[person]) for person in source.persons.tolist()]


def _why_not(source: Source, question: Question, treatment: Treatment | None, relying: set[str]) -> str | None:
    """Say why a question is left out, before its answers are looked at; None where it is not."""
    if treatment is not None and treatment.kind == treatments.DROPPED:
        return "dropped"
    if question.privacy == "direct":
        return "direct"
    if question.type in POSITIONS:
        return "position"
    if question.type is ValueType.MEDIA:
        return "media"
    if question in source.centres[1:]:
        return "place"  # the first one has the answers of all versions
    if treatment is not None:
        return None
    if question in source.centres:
        return "place"
    if _is_code(source, question) or question.privacy != "none":
        return "quasi"
    if question.type in (*DATES, ValueType.TIME):
        return "date"
    if question.type in (ValueType.TEXT, ValueType.RANK):
        return "text"
    return "relies" if question.path in relying else None


def _check_once(question: Question, column: Column) -> None:
    """Refuse pseudonyms that several records share: what they have in common would be found by nobody's k."""
    given = [str(value) for value in column.data if value is not None]
    if len(set(given)) < len(given):
        raise ReleaseError(
            f"release.yml: {question.path} cannot go out as a pseudonym: several records have the same",
            why="All records of one person, or one enumerator, together are a pattern that k does not count.",
            next_step="write 'drop', or let the study's population count each respondent once",
        )


def _places(source: Source, rule: Rule, columns: list[Column]) -> tuple[Places, dict[int, NDArray[np.bool_]]]:
    """Decide which places stay, and give the mask of each place column."""
    at = [number for number, column in enumerate(columns) if column.is_place]
    centre = source.centres[0].path if source.centres else None
    at.sort(key=lambda number: (columns[number].path != centre, -len(np.unique(columns[number].codes()))))
    codes = np.stack([columns[number].codes() for number in at], axis=1) if at else np.empty((source.size, 0), np.int64)
    where = Whereabouts(
        codes=codes,
        centre_column=0 if at and columns[at[0]].path == centre else None,
        centre_codes=source.centre_codes.tolist(),
        tables=joint_tables(source),
        present={
            pair: (source.ranks[pair.exposure] > 0) & (source.ranks[pair.outcome] > 0) for pair in source.study.analyses
        },
    )
    places = decide_places(where, k=rule.k, at_least=rule.at_least)
    return places, {number: places.codes[:, column] == WITHHELD for column, number in enumerate(at)}


def _order(rule: Rule, columns: list[Column], free: list[int]) -> list[int]:
    """Give the columns to be withheld first, as places in `free`."""
    paths = [columns[at].path for at in free]
    if unknown := [name for name in rule.suppress if name not in paths]:
        raise ReleaseError(
            f"release.yml: {unknown[0]} under 'suppress' is no quasi-identifier that could be withheld alone",
            why="Only questions under 'treat' that are kept, banded or truncated are; places are withheld for whole"
            " health centres, before everything else.",
            next_step="take it out of 'suppress'",
        )
    return [paths.index(name) for name in rule.suppress]
