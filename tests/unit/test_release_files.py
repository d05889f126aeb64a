"""The files of a release as SPSS and Stata have them: format, names, moments, widths and the order of codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from laktasi.release import columns as columns_of
from laktasi.release import files, names
from laktasi.release.columns import Column, Level

YES = (Level(0, "0", {"en": "No"}), Level(1, "1", {"en": "Yes"}))


def write(folder: Path, *columns: Column) -> None:
    files._write_sav(folder / files.SAV, list(columns), "Tea", "en")
    files._write_dta(folder / files.DTA, list(columns), "Tea", "en")


READERS = ((files.SAV, pyreadstat.read_sav), (files.DTA, pyreadstat.read_dta))


def test_stata_of_every_edition_reads_the_file(tmp_path: Path) -> None:
    column = Column("a", "whole", {}, np.array([1.0]), "integer", name="a")
    write(tmp_path, column)
    assert (tmp_path / files.DTA).read_bytes().startswith(b"<stata_dta><header><release>118</release>")
    assert pd.read_stata(tmp_path / files.DTA)["a"].tolist() == [1]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_moments_are_those_that_were_given(tmp_path: Path, unit: str) -> None:
    moments = np.array(["2026-11-16T23:30:00", "1999-01-02T00:00:01", "NaT"], dtype=f"datetime64[{unit}]")
    write(tmp_path, Column("at", "moment", {}, moments, "dateTime", name="at"))
    for name, read in READERS:
        found = read(tmp_path / name)[0]["at"]
        assert [str(value) for value in found] == ["2026-11-16 23:30:00", "1999-01-02 00:00:01", "NaT"], name


def test_the_longest_name_may_have_labels(tmp_path: Path) -> None:
    (name,) = names.name_columns(["x" * 40]).values()
    write(tmp_path, Column("x", "category", {}, np.array([0, 1, -1]), "select_one", YES, name=name))
    for file, read in READERS:
        frame, meta = read(tmp_path / file)
        assert list(frame) == [name]
        assert meta.variable_value_labels == {name: {0: "No", 1: "Yes"}}


def test_whole_numbers_are_shown_whole(tmp_path: Path) -> None:
    numbers = np.array([123456789012345.0, -5.0, np.nan])
    write(tmp_path, Column("big", "whole", {}, numbers, "integer", name="big"))
    formats = [read(tmp_path / file)[1].original_variable_types["big"] for file, read in READERS]
    assert formats == ["F15.0", "%15.0f"]


@pytest.mark.parametrize(
    ("values", "is_ordered", "codes"),
    [
        (["1", "2", "3"], True, [1, 2, 3]),
        (["0", "1"], True, [0, 1]),
        # the study calls 3 the lowest: a coefficient of 3, 2, 1 would have the other sign
        (["3", "2", "1"], True, [1, 2, 3]),
        (["3", "2", "1"], False, [3, 2, 1]),
        (["b", "1"], True, [1, 2]),
    ],
)
def test_codes_rise_with_the_levels(values: list[str], is_ordered: bool, codes: list[int]) -> None:
    assert columns_of._codes(values, is_ordered=is_ordered) == codes
