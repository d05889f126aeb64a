"""The records in five formats: CSV, Parquet, DuckDB, SPSS and Stata. The same values and names in each."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa

from laktasi.questionnaire.model import Texts
from laktasi.release import names
from laktasi.release.columns import Column
from laktasi.release.prepare import RECORD, RECORD_LABELS, WITHHELD_COLUMN, WITHHELD_LABELS, Prepared
from laktasi.release.results import COMMENT
from laktasi.store.sql import identifier, literal

CSV, PARQUET, DUCKDB, SAV, DTA = "records.csv", "records.parquet", "study.duckdb", "records.sav", "records.dta"
SPSS, STATA = "SPSS", "Stata"
RESULTS = "results"
"""Folder of the results' CSV files, and their schema in the DuckDB file."""

_ARROW = {"whole": pa.int64(), "number": pa.float64(), "date": pa.date32(), "moment": pa.timestamp("s")}

_LEAST_WIDTH = 8
_DTA_VERSION = 14
"""As pyreadstat counts: format 118. What it writes if nothing is said, 119, is for Stata/MP alone."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A label that a program cannot take whole."""

    column: str
    program: str
    """``SPSS`` or ``Stata``."""
    value: str
    """The value whose label it is; empty: the column's own."""


def worded(labels: Texts, language: str, fallback: str = "") -> str:
    """Give a label in a language, else the form's default, else any it has, else `fallback`."""
    for name in (language, "default", *sorted(labels)):
        if text := labels.get(name):
            return names.plain_label(text)
    return fallback


def all_columns(prepared: Prepared) -> list[Column]:
    """Give all columns as they are written: the record's pseudonym first, what is withheld last."""
    written = [column.name for column in prepared.columns]
    masks = prepared.withheld.tolist()
    lists = [" ".join(name for name, is_one in zip(written, mask, strict=True) if is_one) or None for mask in masks]
    first = Column(RECORD, "text", RECORD_LABELS, np.array(prepared.records, dtype=object), "", name=RECORD)
    last = Column(WITHHELD_COLUMN, "text", WITHHELD_LABELS, np.array(lists, dtype=object), "", name=WITHHELD_COLUMN)
    return [first, *prepared.columns, last]


def arrow_table(columns: Iterable[Column], language: str) -> pa.Table:
    """Give columns as an Arrow table: categories by their values, labels in the fields' metadata."""
    fields, arrays = [], []
    for column in columns:
        kind = _ARROW.get(column.kind, pa.string())
        fields.append(pa.field(column.name, kind, metadata={"label": worded(column.labels, language, column.path)}))
        arrays.append(pa.array(values(column), kind))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def values(column: Column) -> list[Any]:
    """Give the values of a column as Python has them; None where there is none."""
    if column.kind == "category":
        words = [*(level.value for level in column.levels), None]
        return [words[at] for at in column.data.tolist()]
    if column.kind == "whole":
        return [None if value != value else int(value) for value in column.data.tolist()]
    if column.kind == "number":
        return [None if value != value else value for value in column.data.tolist()]
    found: list[Any] = column.data.tolist()  # NaT becomes None
    return found


def write_data(
    folder: Path, prepared: Prepared, results: Mapping[str, pa.Table], *, title: str, notice: str, language: str
) -> list[Cut]:
    """Write the records in all formats, and the results as CSV and into the DuckDB file.

    Returns
    -------
    list of Cut
        Labels that SPSS or Stata have only the beginning of.
    """
    columns = all_columns(prepared)
    table = arrow_table(columns, language)
    _write_csv(folder / CSV, table)
    _write_parquet(folder / PARQUET, table)
    (folder / RESULTS).mkdir()
    for name, found in results.items():
        _write_csv(folder / RESULTS / f"{name}.csv", found)
    _write_duckdb(folder / DUCKDB, columns, table, results, notice or title, language)
    return [*_write_sav(folder / SAV, columns, title, language), *_write_dta(folder / DTA, columns, title, language)]


def _write_csv(path: Path, table: pa.Table) -> None:
    """Write a table as UTF-8 with a header; nothing between the commas is no value. Numbers in full."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.column_names)
        for batch in table.to_batches(max_chunksize=10_000):
            columns = [[_text(value) for value in column.to_pylist()] for column in batch.columns]
            writer.writerows(zip(*columns, strict=True))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _write_parquet(path: Path, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path)


def _write_duckdb(
    path: Path, columns: list[Column], table: pa.Table, results: Mapping[str, pa.Table], notice: str, language: str
) -> None:
    with duckdb.connect(str(path)) as con:
        con.register("arriving", table)
        con.execute("create table records as from arriving")
        con.unregister("arriving")
        about = f"{notice.removesuffix('.')}. One row per record."
        con.execute(f"comment on table records is {literal(about)}")
        for column in columns:
            label = worded(column.labels, language, column.path)
            con.execute(f"comment on column records.{identifier(column.name)} is {literal(label)}")
        con.execute("create table codebook (name varchar, question varchar, kind varchar, label varchar)")
        con.execute("create table choices (name varchar, code integer, value varchar, label varchar)")
        con.execute("comment on table codebook is 'What each column of records is. One row per column.'")
        con.execute("comment on table choices is 'The values of categories. One row per column and value.'")
        for column in columns:
            row = [column.name, column.path, column.kind, worded(column.labels, language, column.path)]
            con.execute("insert into codebook values (?, ?, ?, ?)", row)
        choices = [
            (column.name, level.code, level.value, worded(level.labels, language, level.value))
            for column in columns
            for level in column.levels
        ]
        if choices:
            con.executemany("insert into choices values (?, ?, ?, ?)", choices)
        con.execute(f"create schema {RESULTS}")
        for name, found in results.items():
            con.register("arriving", found)
            place = identifier(RESULTS, name)
            con.execute(f"create table {place} as from arriving")
            con.unregister("arriving")
            con.execute(f"comment on table {place} is {literal(_comment(found.schema.metadata))}")
            for field in found.schema:
                comment = literal(_comment(field.metadata))
                con.execute(f"comment on column {place}.{identifier(field.name)} is {comment}")
        con.execute("checkpoint")


def _comment(metadata: Mapping[bytes, bytes] | None) -> str:
    return (metadata or {}).get(COMMENT, b"").decode()


def _frame(columns: Iterable[Column]) -> Any:
    """Give columns as SPSS and Stata have them: numbers for categories, an empty text where there is none."""
    import pandas as pd

    series = {}
    for column in columns:
        if column.kind == "category":
            codes = np.array([*(float(level.code) for level in column.levels), np.nan])
            series[column.name] = pd.Series(codes[column.data])
        elif column.kind in ("whole", "number"):
            series[column.name] = pd.Series(column.data.astype(np.float64))
        elif column.kind == "date":
            series[column.name] = pd.Series(column.data.tolist(), dtype=object)
        elif column.kind == "moment":
            # to milliseconds: pyreadstat takes whole seconds for days near 1970
            series[column.name] = pd.Series(column.data.astype("datetime64[ms]"))
        else:
            series[column.name] = pd.Series([value or "" for value in column.data], dtype=object)
    return pd.DataFrame(series)


@dataclass(frozen=True, slots=True)
class _Labels:
    """Labels as one program takes them."""

    columns: dict[str, str | None]
    values: dict[str, dict[int | float, str]]
    cuts: list[Cut]


def _labels(columns: Iterable[Column], language: str, program: str) -> _Labels:
    """Cut labels to what SPSS or Stata takes, and say which were cut."""

    def cut(text: str, name: str, value: str, **limits: int) -> str:
        short = names.shortened(text, **limits)
        if short != text:
            made.cuts.append(Cut(name, program, value))
        return short

    of_column = {"size": names.SPSS_LABEL} if program == SPSS else {"characters": names.STATA_LABEL}
    of_value = {"size": names.SPSS_VALUE_LABEL if program == SPSS else names.STATA_VALUE_LABEL}
    made = _Labels({}, {}, [])
    for column in columns:
        label = worded(column.labels, language, column.path)
        made.columns[column.name] = cut(label, column.name, "", **of_column)
        if column.levels:
            made.values[column.name] = {
                level.code: cut(worded(level.labels, language, level.value), column.name, level.value, **of_value)
                for level in column.levels
            }
    return made


def _measure(column: Column) -> Literal["nominal", "ordinal", "scale"]:
    if column.kind in ("whole", "number"):
        return "scale"
    return "ordinal" if column.is_ordered else "nominal"


def _widths(columns: Iterable[Column]) -> dict[str, int]:
    """Give the characters that each column of whole numbers is shown with: enough for its longest one."""
    widths = {}
    for column in columns:
        if column.kind in ("category", "whole"):
            shown = values(column) if column.kind == "whole" else [level.code for level in column.levels]
            widths[column.name] = max([_LEAST_WIDTH, *(len(str(value)) for value in shown if value is not None)])
    return widths


def _write_sav(path: Path, columns: list[Column], title: str, language: str) -> list[Cut]:
    import pyreadstat

    labels = _labels(columns, language, SPSS)
    pyreadstat.write_sav(
        _frame(columns),
        path,
        file_label=names.shortened(title, size=64),
        column_labels=labels.columns,
        variable_value_labels=labels.values,
        variable_format={name: f"F{width}.0" for name, width in _widths(columns).items()},
        variable_measure={column.name: _measure(column) for column in columns},
    )
    return labels.cuts


def _write_dta(path: Path, columns: list[Column], title: str, language: str) -> list[Cut]:
    import pyreadstat

    labels = _labels(columns, language, STATA)
    pyreadstat.write_dta(
        _frame(columns),
        path,
        file_label=names.shortened(title, size=names.STATA_LABEL),
        column_labels=labels.columns,
        variable_value_labels=labels.values,
        variable_format={name: f"%{width}.0f" for name, width in _widths(columns).items()},
        version=_DTA_VERSION,
    )
    return labels.cuts
