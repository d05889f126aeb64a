"""From questions to the columns of a release: what each treatment makes of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from laktasi.questionnaire.model import Texts, ValueType
from laktasi.release import rule as treatments
from laktasi.release.pseudonyms import pseudonyms
from laktasi.release.questions import Question
from laktasi.release.rule import Treatment
from laktasi.release.source import Source, Values
from laktasi.store.sql import identifier, literal

Kind = Literal["category", "whole", "number", "date", "moment", "text"]
Codes = NDArray[np.int64]

YES_NO: Mapping[str, Texts] = {"0": {"id": "Tidak", "en": "No"}, "1": {"id": "Ya", "en": "Yes"}}
NUMBERS = (ValueType.INTEGER, ValueType.DECIMAL)
DATES = (ValueType.DATE, ValueType.DATETIME)
POSITIONS = (ValueType.GEOPOINT, ValueType.GEOTRACE, ValueType.GEOSHAPE)


@dataclass(frozen=True, slots=True)
class Level:
    """One value of a category."""

    code: int
    """The number that stands for it in SPSS and Stata."""
    value: str
    """As it stands in the other files."""
    labels: Texts


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the release."""

    path: str
    """Of the question that it is made from; of a choice of several, with the choice behind ``#``."""
    kind: Kind
    labels: Texts
    data: Values
    """Categories: place in `levels`, -1 where there is none. Numbers: nan. Dates, moments: NaT. Texts: None."""
    type: str
    """Of the question in the form."""
    levels: tuple[Level, ...] = ()
    treatment: str = ""
    """As the rule says it; empty where the rule has nothing to say."""
    is_quasi: bool = False
    """It is counted among the quasi-identifiers."""
    is_place: bool = False
    is_ordered: bool = False
    """Its categories have an order, lowest first: so coefficients of their codes have the right sign."""
    name: str = ""
    moved: NDArray[np.int64] | None = None
    """Of a shifted date: days for each record, in the order of the source. Private."""

    def codes(self) -> Codes:
        """Give a number for each value; -1 where there is none."""
        if self.kind == "category":
            return self.data.astype(np.int64)
        is_empty = self.empty()
        codes = np.full(len(self.data), -1, dtype=np.int64)
        if not is_empty.all():
            filled = self.data[~is_empty]
            codes[~is_empty] = np.unique(filled.astype(str) if self.kind == "text" else filled, return_inverse=True)[1]
        return codes

    def empty(self) -> NDArray[np.bool_]:
        """Say where there is no value."""
        match self.kind:
            case "category":
                return np.asarray(self.data < 0)
            case "text":
                return np.array([value is None for value in self.data], dtype=bool)
            case "date" | "moment":
                return np.isnat(self.data)
        return np.isnan(self.data.astype(np.float64))

    def without(self, mask: NDArray[np.bool_]) -> Column:
        """Give the column with some values taken away."""
        data = self.data.astype(np.float64) if self.kind in ("whole", "number") else self.data.copy()
        nothing = {"category": -1, "text": None, "date": np.datetime64("NaT"), "moment": np.datetime64("NaT")}
        data[mask] = nothing.get(self.kind, np.nan)
        return replace(self, data=data)

    def trimmed(self) -> Column:
        """Give a category with those levels only that some record has, numbered anew: gaps would tell of the others."""
        there = np.unique(self.data[self.data >= 0])
        place = np.full(len(self.levels) + 1, -1, dtype=np.int64)
        place[there] = np.arange(len(there))
        levels = [self.levels[at] for at in there.tolist()]
        codes = _codes([level.value for level in levels], is_ordered=self.is_ordered)
        return replace(
            self,
            data=place[self.data],
            levels=tuple(replace(level, code=code) for level, code in zip(levels, codes, strict=True)),
        )

    def ordered(self, order: NDArray[np.int64]) -> Column:
        """Give the column with its records in another order."""
        return replace(self, data=self.data[order])


def column_of(source: Source, question: Question, labels: Texts) -> Column:
    """Give the answers to a question as they are.

    Choices that no version of the form offers are left out: they can be any text.
    """
    sql, kind = f"answers.{identifier(question.column)}", question.type
    made = Column(question.path, "text", labels, np.empty(0), kind.value)
    match kind:
        case ValueType.SELECT_ONE:
            given = source.column(f"cast({sql} as varchar)")
            made = replace(made, is_ordered=bool(source.levels(question)))
            return _category(made, given, source.choices(question))
        case ValueType.BOOLEAN:
            given = source.column(f"cast(cast({sql} as integer) as varchar)")
            return _category(made, given, YES_NO)
        case ValueType.INTEGER | ValueType.DECIMAL:
            data = source.column(f"cast({sql} as double)").astype(np.float64)
            return replace(made, kind="whole" if kind is ValueType.INTEGER else "number", data=data)
        case ValueType.DATE:
            return replace(made, kind="date", data=source.column(f"cast({sql} as date)").astype("datetime64[D]"))
        case ValueType.DATETIME:
            # By the clock of the phone, as the respondent's day has it.
            offset = identifier(f"{question.column}__offset")
            clock = f"cast(({sql} at time zone 'UTC') + to_minutes(answers.{offset}) as timestamp)"
            return replace(made, kind="moment", data=source.column(clock).astype("datetime64[s]"))
    return replace(made, data=np.asarray(source.column(f"cast({sql} as varchar)"), dtype=object))


def several(source: Source, question: Question, labels: Texts) -> list[Column]:
    """Give a question with several answers as one column for each choice: chosen, or not."""
    sql = f"answers.{identifier(question.column)}"
    columns = []
    for value, worded in source.offered.get(question.list_name or "", {}).items():
        given = source.column(f"cast(cast(list_contains({sql}, {literal(value)}) as integer) as varchar)")
        both = {
            language: f"{label}: {worded.get(language) or worded.get('default') or value}"
            for language, label in (labels or dict.fromkeys(worded, question.path)).items()
        }
        path = f"{question.path}#{value}"
        made = Column(path, "category", both, np.empty(0), question.type.value)
        columns.append(_category(made, given, YES_NO))
    return columns


def centre_column(source: Source, question: Question, labels: Texts) -> Column:
    """Give the health centre of each record."""
    made = Column(question.path, "category", labels, np.empty(0), question.type.value, is_place=True)
    return _category(made, source.centre_codes, source.centre_labels)


def treated(
    column: Column, treatment: Treatment, *, moved: NDArray[np.int64] | None = None, key: bytes = b"", salt: str = ""
) -> Column:
    """Give what a treatment makes of the answers to a question that it fits.

    Parameters
    ----------
    moved
        For a shift: days for each record.
    key, salt
        For a pseudonym.
    """
    column = replace(column, treatment=str(treatment))
    match treatment.kind:
        case treatments.BAND:
            at = np.digitize(column.data, treatment.points)
            texts = _bands(treatment.points, is_whole=column.kind == "whole")
            levels = tuple(Level(code, text, {"default": text}) for code, text in enumerate(texts, 1))
            return replace(
                column,
                kind="category",
                data=np.where(column.empty(), -1, at),
                levels=levels,
                is_quasi=True,
                is_ordered=True,
            )
        case treatments.TRUNCATE:
            return _category(replace(column, is_quasi=True, is_ordered=True), _truncated(column, treatment.unit), {})
        case treatments.SHIFT:
            assert moved is not None
            return replace(column, data=column.data + moved.astype("timedelta64[D]"), moved=moved)
        case treatments.PSEUDONYM:
            named = pseudonyms(
                key, salt, column.path.rsplit("/", 1)[-1], [v if v is None else str(v) for v in column.data]
            )
            return replace(column, kind="text", data=np.array(named, dtype=object))
        case treatments.CATEGORY:
            return _category(column, column.data, {})
    return replace(column, is_quasi=True)


def _category(column: Column, given: Values, offered: Mapping[str, Texts]) -> Column:
    """Make a category of some values; of whatever is there, where nothing is offered."""
    known = list(offered) or sorted({str(value) for value in given if value is not None})
    place = {value: at for at, value in enumerate(known)}
    data = np.array([-1 if value is None else place.get(str(value), -1) for value in given], dtype=np.int64)
    codes = _codes(known, is_ordered=column.is_ordered)
    levels = tuple(Level(code, value, offered.get(value, {})) for code, value in zip(codes, known, strict=True))
    return replace(column, kind="category", data=data, levels=levels)


def _codes(values: Sequence[str], *, is_ordered: bool) -> list[int]:
    """Number the values of a category: by themselves where all are small whole numbers, else from 1.

    From 1 as well where they have an order and their own numbers do not rise with it: coefficients of the codes would
    have the wrong sign.
    """
    if values and all(value.isascii() and value.isdigit() and str(int(value)) == value for value in values):
        own = [int(value) for value in values]
        if max(own) < 10_000 and not (is_ordered and own != sorted(own)):
            return own
    return list(range(1, len(values) + 1))


def _bands(points: Sequence[float], *, is_whole: bool) -> list[str]:
    texts = [f"< {points[0]:g}"]
    for low, high in pairwise(points):
        if is_whole and low.is_integer() and high.is_integer():
            texts.append(f"{low:g}" if high - low == 1 else f"{low:g}–{high - 1:g}")
        else:
            texts.append(f"{low:g} – < {high:g}")
    return [*texts, f"≥ {points[-1]:g}"]


def _truncated(column: Column, unit: str) -> Values:
    months = column.data.astype("datetime64[M]")
    is_empty = np.isnat(months)
    numbers = np.where(is_empty, 0, months.astype(np.int64))
    texts = []
    for is_none, number in zip(is_empty.tolist(), numbers.tolist(), strict=True):
        year, month = 1970 + number // 12, number % 12
        told = {"month": f"{year}-{month + 1:02}", "quarter": f"{year}-Q{month // 3 + 1}", "year": str(year)}
        texts.append(None if is_none else told[unit])
    return np.array(texts, dtype=object)
