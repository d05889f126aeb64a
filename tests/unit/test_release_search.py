"""Private values are found in files of any size, wherever they stand, and nothing else is taken for one."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pandas as pd
import pyreadstat
import pytest

from laktasi.release import readback

CODE = "TEA-0007-Q"


def is_found(path: Path) -> bool:
    with readback.mapped(path) as content:
        return readback._Private({CODE}).are_in(content)


@pytest.mark.parametrize("before", [0, 3, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 127, 128, 129, 500])
def test_a_code_is_found_wherever_a_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    monkeypatch.setattr(readback, "_BLOCK", 64)
    path = tmp_path / "file"
    path.write_bytes(b"\xff" * before + b"," + CODE.encode() + b"\n" + b"word " * 40)
    assert is_found(path)
    # as a part of a longer word it is another word
    path.write_bytes(b" " * before + b"x" + CODE.encode() + b"9" + b" word" * 40)
    assert not is_found(path)
    path.write_bytes(b"word " * 40 + CODE.encode())
    assert is_found(path)


def test_a_word_may_be_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readback, "_BLOCK", 4)
    path = tmp_path / "file"
    path.write_bytes(b"long" * 50 + b" " + CODE.encode())
    assert is_found(path)


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not is_found(tmp_path / "file")


def test_in_a_large_file_chance_brings_a_short_code_and_never_a_long_one() -> None:
    names = readback._Private({"K0001-2026-77", *(f"E{number}" for number in range(10, 40))})
    noise = random.Random(7).randbytes(20 << 20)
    assert names.are_in(noise)  # though nobody has written one
    looked_for = names.not_by_chance_in(len(noise))
    assert not looked_for.are_in(noise)
    assert looked_for.are_in(noise + b" K0001-2026-77 ")
    assert names.not_by_chance_in(10).values == names.values


@pytest.mark.parametrize("name", ["records.parquet", "records.sav", "records.dta", "study.duckdb"])
def test_whatever_a_file_says_besides_its_cells_is_looked_through(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    table = pd.DataFrame({"age": [7]})
    if path.suffix == ".parquet":
        with duckdb.connect() as con:
            con.execute(f"copy (select 7 as age) to '{path}' (format parquet, kv_metadata {{who: 'asked by E12'}})")
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path)) as con:
            con.execute("create table ages as select 7 as age; comment on column ages.age is 'asked by E12'")
    elif path.suffix == ".sav":
        pyreadstat.write_sav(table, path, note="asked by E12")
    else:
        pyreadstat.write_dta(table, path, variable_value_labels={"age": {7: "asked by E12"}})
    words = list(readback._WORDED[name](path))
    assert readback._Private({"E12"}).are_in(" ".join(words).encode())
    assert not readback._Private({"E13"}).are_in(" ".join(words).encode())
