"""From the research copy and the rule to what may go out: columns, rows without what makes somebody stand out."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from laktasi.errors import ReleaseError
from laktasi.questionnaire.model import Texts, ValueType
from laktasi.release import rule as treatments
from laktasi.release.columns import DATES, NUMBERS, POSITIONS, Column, centre_column, column_of, several, treated
from laktasi.release.names import name_columns, plain_label
from laktasi.release.places import Places, Whereabouts, decide_places, says_where
from laktasi.release.pseudonyms import pseudonyms, salt_of, shifts
from laktasi.release.questions import Question, questions_of
from laktasi.release.rule import Rule, Treatment
from laktasi.release.source import Source, joint_tables
from laktasi.release.suppress import MOST_COLUMNS, WITHHELD, class_sizes, classes, suppress
from laktasi.release.telling import hide_days, one_centre

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
    salt = salt_of(source.run.run_id, rule)
    columns, left_out = _columns(source, rule, key, salt)
    places, masks = _places(source, rule, columns)
    groups = classes(places.codes)[0]
    columns = _silent(source, rule, columns, left_out, groups)
    if not columns:
        raise ReleaseError("by this rule no column may go out", next_step="see docs/release.md")
    named = [column.path.replace("#", "_") for column in columns]
    names = name_columns(named, (RECORD, WITHHELD_COLUMN))
    columns = [replace(column, name=names[path]) for column, path in zip(columns, named, strict=True)]
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
    released = np.hstack([np.where(lost.mask, WITHHELD, codes), places.codes])
    for at, column in enumerate(columns):
        if column.path in masks:
            withheld[:, at] = masks[column.path]
        elif column.moved is not None:
            shown = column.data.astype("datetime64[D]")
            withheld[:, at] = hide_days(
                (shown - column.moved).astype(np.int64),
                shown.astype(np.int64),
                rule.treat[column.path].days,
                source.persons,
                classes(released)[0],
                rule.k,
            )
    records = [text or "" for text in pseudonyms(key, salt, RECORD, source.submission_ids.tolist())]
    order = np.argsort(np.array(records))
    kept = [column.without(withheld[:, at]).ordered(order) for at, column in enumerate(columns)]
    return Prepared(
        columns=tuple(column.trimmed() if _comes_of_data(column) else column for column in kept),
        records=tuple(records[at] for at in order.tolist()),
        withheld=withheld[order],
        order=order,
        left_out={item.path: left_out[item.path] for item in source.questions if item.path in left_out},
        places=places,
        groups=groups,
        sizes=class_sizes(released, source.persons),
        borrowed=lost.borrowed,
    )


def _comes_of_data(column: Column) -> bool:
    """Say whether the values listed for a column must be those that some record has: a list would tell of others."""
    return column.is_place or column.treatment.startswith((treatments.TRUNCATE, treatments.CATEGORY))


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
    if kind == treatments.PSEUDONYM and question in source.centres:
        raise ReleaseError(
            f"{what} is the health centre: a pseudonym would tell which records come from the same one",
            next_step="write 'keep' or 'drop'",
        )
    if kind == treatments.CATEGORY and question.path in source.depends.typed:
        raise ReleaseError(
            f"{what} can hold a text that somebody typed or scanned, a position or the like, by its calculation",
            why="A category is for texts that stand in the form itself.",
            next_step="write 'drop'",
        )
    if kind != treatments.PSEUDONYM and _is_code(source, question):
        raise ReleaseError(
            f"{what} is the code of a person: it goes out as a pseudonym, or not at all",
            next_step="write 'pseudonym' or 'drop'",
        )


def _is_code(source: Source, question: Question) -> bool:
    roles = source.study.roles
    return any(question in questions_of(source.questions, name) for name in (roles.subject, roles.enumerator) if name)


def _columns(source: Source, rule: Rule, key: bytes, salt: str) -> tuple[list[Column], dict[str, str]]:
    """Give the columns that the rule and the questionnaire let out, and why the other questions are not among them."""
    left_out = {
        question.path: reason
        for question in source.questions
        if (reason := _why_not(source, question, rule.treat.get(question.path)))
    }
    centres = np.unique(source.centre_codes.astype(str), return_inverse=True)[1].astype(np.int64)
    moved: dict[int, NDArray[np.int64]] = {}
    made: dict[str, list[Column]] = {}
    for question in source.questions:
        treatment = rule.treat.get(question.path)
        if question.path in left_out:
            continue
        labels = {language: plain_label(text) for language, text in question.labels.items()}
        if question in source.centres:
            assert treatment is not None
            made[question.path] = [replace(treated(centre_column(source, question, labels), treatment), is_place=True)]
            continue
        is_several = question.type is ValueType.SELECT_MULTIPLE
        found = several(source, question, labels) if is_several else [column_of(source, question, labels)]
        if treatment is not None:
            if treatment.kind == treatments.SHIFT and treatment.days not in moved:
                moved[treatment.days] = np.array(shifts(key, treatment.days, _people(source)), dtype=np.int64)
            if treatment.kind == treatments.PSEUDONYM:
                _check_once(question, found[0])
            found = [treated(found[0], treatment, moved=moved.get(treatment.days), key=key, salt=salt)]
        elif any(says_where(column.codes(), centres) for column in found):
            left_out[question.path] = "place"
            continue
        made[question.path] = found
    known = _known(source, rule, made)
    left_out |= {path: "relies" for path in made if path not in known and path not in rule.treat}
    _check_treated(source, rule, known)
    columns = []
    for path in (path for path in made if path not in left_out):
        for column in made[path]:
            is_quasi = column.is_quasi or _is_counted(column, known)
            is_place = column.is_place or (is_quasi and says_where(column.codes(), centres))
            columns.append(replace(column, is_quasi=is_quasi, is_place=is_place))
    return columns, left_out


def _known(source: Source, rule: Rule, made: Collection[str]) -> set[str]:
    """Name the questions that a reader of the release knows all answers to: nothing is withheld by what rests on them.

    They go out as they are, or the form computes them from such.
    """
    untreated = {path for path in made if path not in rule.treat}
    return source.depends.as_they_are(untreated | source.depends.computed)


def _check_treated(source: Source, rule: Rule, known: set[str]) -> None:
    """Refuse treatments that the form undoes."""
    shifted = [path for path, treatment in rule.treat.items() if treatment.kind == treatments.SHIFT]
    for question in source.questions:
        both = [path for path in shifted if path in source.depends.made_of(question.path)]
        if len(both) > 1:
            raise ReleaseError(
                f"release.yml: {both[0]} and {both[1]} cannot both be shifted: {question.path} is computed from them",
                why="Both move by the same days, so the two dates would give it back wherever it is withheld.",
                next_step=f"shift one of them and drop the other; {question.path} can be banded",
            )
        treatment = rule.treat.get(question.path)
        if treatment is None or treatment.kind == treatments.DROPPED:
            continue
        if treatment.kind in treatments.COUNTED and question.path in known:
            raise ReleaseError(
                f"release.yml: {question.path} is computed from answers that go out as they are",
                why="Where it were withheld, they would give it back.",
                next_step="name those that it is computed from under 'treat' too, or take it out of 'treat'",
            )
        is_counted = treatment.kind in (*treatments.COUNTED, treatments.CATEGORY)
        if not is_counted and (unknown := source.depends.asked.get(question.path, set()) - known):
            raise ReleaseError(
                f"release.yml: {question.path} is asked or not by an answer that does not go out as it is"
                f" ({min(unknown)})",
                why=f"Its empty cells would tell that answer, and {treatment} is not counted.",
                next_step=f"write {question.path}: drop",
            )


def _silent(
    source: Source, rule: Rule, columns: Sequence[Column], left_out: dict[str, str], groups: NDArray[np.int64]
) -> list[Column]:
    """Leave out what tells the health centre by one answer, within the places that go out, and what rests on it."""
    centres = np.unique(source.centre_codes.astype(str), return_inverse=True)[1].astype(np.int64)
    telling = set()
    for column in columns:
        is_date = column.kind in ("date", "moment", "text")
        codes = column.empty().astype(np.int64) if is_date else column.codes()
        if column.is_place or not one_centre(codes, centres, groups):
            continue
        path = column.path.partition("#")[0]
        if column.treatment:
            raise ReleaseError(
                f"release.yml: {path} tells the health centre: within a place, an answer to it is given at one only",
                next_step=f"write {path}: drop, or drop the places",
            )
        telling.add(path)
    untreated = {column.path.partition("#")[0] for column in columns if not column.treatment}
    known = source.depends.as_they_are((untreated | source.depends.computed) - telling)
    left_out |= dict.fromkeys(untreated - known, "relies") | dict.fromkeys(telling, "one_centre")
    _check_treated(source, rule, known)
    return [
        replace(column, is_quasi=column.is_quasi or _is_counted(column, known))
        for column in columns
        if column.path.partition("#")[0] not in left_out
    ]


def _is_counted(column: Column, known: Collection[str]) -> bool:
    """Say whether a category is a quasi-identifier: it is, unless it follows from what goes out as it is."""
    return column.treatment == treatments.CATEGORY and column.path not in known


def _people(source: Source) -> list[str]:
    """Name the respondent of each record: one person's dates move together, in all her records."""
    first = {person: source.submission_ids[at] for at, person in reversed(list(enumerate(source.persons.tolist())))}
    return [str(first[person]) for person in source.persons.tolist()]


def _why_not(source: Source, question: Question, treatment: Treatment | None) -> str | None:
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
    return None


def _check_once(question: Question, column: Column) -> None:
    """Refuse pseudonyms that several records share: what they have in common would be found by nobody's k."""
    given = [str(value) for value in column.data if value is not None]
    if len(set(given)) < len(given):
        raise ReleaseError(
            f"release.yml: {question.path} cannot go out as a pseudonym: several records have the same",
            why="All records of one person, or one enumerator, together are a pattern that k does not count.",
            next_step="write 'drop', or let the study's population count each respondent once",
        )


def _places(source: Source, rule: Rule, columns: list[Column]) -> tuple[Places, dict[str, NDArray[np.bool_]]]:
    """Decide which places stay, and give the mask of each place column by its path."""
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
    return places, {columns[number].path: places.codes[:, column] == WITHHELD for column, number in enumerate(at)}


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
