"""schemas/targets.csv: what is understood, and what is said of each slip."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from laktasi.errors import CheckError
from laktasi.paths import HOUSE, Project
from laktasi.study import read_study
from laktasi.targets import Target, read_targets


def write(folder: Path, text: str) -> Path:
    path = folder / "targets.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_is_no_target(tmp_path: Path) -> None:
    assert read_targets(tmp_path / "targets.csv") == ()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_it_is_read_as_spreadsheet_programs_write_it(tmp_path: Path, separator: str) -> None:
    lines = ["\ufeffCentre,Target,Until", "c1,40,2026-11-30", "", " c2 , 5 ,", ",,"]
    path = write(tmp_path, "\r\n".join(lines).replace(",", separator))
    assert read_targets(path) == (Target("c1", 40, date(2026, 11, 30), 2), Target("c2", 5, None, 4))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no column 'centre'"),
        ("centre\nc1\n", "there is no column 'target'"),
        ("centre,target,goal\n", "the column 'goal' is not one of centre, target, until"),
        ("centre,target,target\n", "the column 'target' is not one of"),
        ("centre,target\n,5\n", "line 2 names no centre"),
        ("centre,target\nc1,5\nc1,6\n", "line 3: 'c1' stands in line 2 already"),
        ("centre,target\nc1,many\n", "line 2: the target 'many' is not a whole number"),
        ("centre,target\nc1,0\n", "line 2: the target '0' is not a whole number of 1 or more"),
        ("centre,target\nc1,-3\n", "line 2: the target '-3'"),
        ("centre,target\nc1,٤\n", "line 2: the target"),
        ("centre,target\nc1,4.5\n", "line 2: the target '4.5'"),
        (f"centre,target\nc1,{'9' * 5000}\n", "line 2: the target"),
        ("centre,target\nc1,4,2026-11-30\n", "line 2 has 3 cells under 2 columns"),
        ("centre,target,until\nc1,4,30.11.2026\n", "line 2: '30.11.2026' is not a day such as 2026-11-30"),
        ('centre,target\n"c1,4\n', "line 2: unexpected end of data"),
    ],
)
def test_a_slip_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CheckError, match=r"targets\.csv: ") as caught:
        read_targets(write(tmp_path, text))
    assert said in caught.value.what
    assert "targets.csv" in caught.value.next_step


def test_another_encoding_is_said(tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    path.write_bytes("centre,target\ncaf\u00e9,5\n".encode("latin-1"))
    with pytest.raises(CheckError, match="not UTF-8"):
        read_targets(path)


def test_the_shipped_targets_are_for_the_shipped_study() -> None:
    project = Project(HOUSE)
    assert read_study(project.study) is not None
    assert len(read_targets(project.targets)) == 40
