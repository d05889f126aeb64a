"""The list of enumerators: what spreadsheet programs make of it, and what is no list."""

from __future__ import annotations

from pathlib import Path

import pytest

from laktasi.errors import SettingsError
from laktasi.odk.enumerators import Enumerator, read_enumerators

ANI = Enumerator("E07", "Ani", "id", ("visit",), is_active=True, line=2)
BUDI = Enumerator("E08", "Budi", "en", (), is_active=False, line=3)


def put(folder: Path, content: str) -> Path:
    path = folder / "list.csv"
    path.write_text(content, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize(
    ("content", "above"),
    [
        pytest.param("code,name,language,active,forms\nE07,Ani,id,yes,visit\nE08,Budi,en,no,\n", 0, id="plain"),
        pytest.param("code,name,language,active,forms\nE07,Ani,id,TRUE,visit\nE08,Budi,en,False\n", 0, id="booleans"),
        pytest.param(
            "code;name;language;active;forms;;\r\nE07;Ani;id;ya;visit;;\r\nE08;Budi;en;tidak;;; \r\n;;;;;;\r\n",
            0,
            id="empty columns behind the last",
        ),
        pytest.param(
            "sep=;\r\ncode;name;language;active;forms\r\nE07;Ani;id;yes;visit\r\nE08;Budi;en;no;\r\n",
            1,
            id="Excel's line",
        ),
        pytest.param(
            '\ufeff"sep=\t"\ncode\tname\tlanguage\tactive\tforms\nE07\tAni\tid\tyes\tvisit\nE08\tBudi\ten\tno\t\n',
            1,
            id="Excel's line in quotes, with tabs",
        ),
    ],
)
def test_a_list_is_read_however_it_was_saved(tmp_path: Path, content: str, above: int) -> None:
    found = read_enumerators(put(tmp_path, content))
    assert [(one.code, one.name, one.language, one.forms, one.is_active) for one in found] == [
        (one.code, one.name, one.language, one.forms, one.is_active) for one in (ANI, BUDI)
    ]
    assert [one.line for one in found] == [ANI.line + above, BUDI.line + above]


@pytest.mark.parametrize("rows", ["", "\n\n", ",,,\n"])
def test_a_list_that_names_nobody_is_refused(tmp_path: Path, rows: str) -> None:
    with pytest.raises(SettingsError, match=r"list\.csv: it names nobody"):
        read_enumerators(put(tmp_path, f"code,name,language,active\n{rows}"))


def test_a_code_is_as_long_as_a_sheet_can_show(tmp_path: Path) -> None:
    head = "code,name,language,active\n"
    longest = "E" * 20
    [one] = read_enumerators(put(tmp_path, f"{head}{longest},Ani,id,yes\n"))
    assert one.code == longest
    with pytest.raises(SettingsError, match=r"line 2, column 'code': write letters, .*, 20 at most"):
        read_enumerators(put(tmp_path, f"{head}{longest}E,Ani,id,yes\n"))


def test_a_slip_below_excels_line_is_told_by_its_own_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="line 2: there is no column 'active'"):
        read_enumerators(put(tmp_path, "sep=;\ncode;name;language\n"))
    with pytest.raises(SettingsError, match="line 3: has 5 cells under 4 columns"):
        read_enumerators(put(tmp_path, "sep=;\ncode;name;language;active\nE07;Ani;id;yes;x\n"))
    with pytest.raises(SettingsError, match="line 2, column '': is not one of"):
        read_enumerators(put(tmp_path, "sep=;\ncode;;name;language;active\n"))
