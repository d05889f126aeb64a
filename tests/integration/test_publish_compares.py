"""What a form to be published is compared with: beside Central, the project's older versions and the warehouse."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import openpyxl
import pytest

from laktasi.errors import QuestionnaireError
from laktasi.publishing import Choices, publish_forms
from laktasi.questionnaire import check
from laktasi.questionnaire.xlsform import convert
from laktasi.records import FieldedForm
from laktasi.settings import Settings, read_settings
from laktasi.store import raw, runs
from laktasi.store.warehouse import open_warehouse
from laktasi.workplace import alone
from tests.central.fixtures import Site

AGE = ("integer", "age", "Age", "quasi")
OTHERWISE = ("text", "age", "Age", "none")
TOLD = [
    "visit: BREAKS: age: was integer and becomes text: integer and text share no column but text; its column is no "
    "longer integer, for the old records too. A new question with another name keeps both",
    "visit: BREAKS: age: was quasi and says none: people answered under the stricter word, which goes on to hold for "
    "the column",
]


@pytest.fixture(autouse=True)
def without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """ODK Validate takes seconds, and has a test of its own."""
    monkeypatch.setattr(check, "find_java", lambda: None)


@pytest.fixture
def settings(double_site: Site, tmp_path: Path) -> Settings:
    """A project with an empty project on Central."""
    acts = double_site.acts
    (tmp_path / "xlsforms" / "fielded").mkdir(parents=True)
    central = {"url": acts.url, "project": acts.project, "email": acts.email, "password": acts.password}
    return read_settings(tmp_path, central=central)


def put(settings: Settings, *rows: Iterable[str], version: str = "1", form_id: str = "visit") -> Path:
    book = openpyxl.Workbook()
    sheets: dict[str, list[Iterable[str]]] = {
        "survey": [("type", "name", "label", "bind::laktasi:privacy"), *rows],
        "settings": [
            ("form_title", "form_id", "version", "namespaces"),
            ("Visit", form_id, version, 'laktasi="urn:laktasi:privacy"'),
        ],
    }
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(tuple(line))
    del book["Sheet"]
    path = settings.folders.xlsforms / f"{form_id}.xlsx"
    book.save(path)
    return path


def keep(settings: Settings, where: str, path: Path) -> None:
    """Let the form be known to the project or to the warehouse, and to nobody else."""
    made = convert(path)
    if where == "fielded":
        (settings.folders.xlsforms / "fielded" / f"{path.stem}-old.xml").write_bytes(made.xform)
    else:
        with open_warehouse(settings.data_folder) as con:
            run_id = runs.begin(con, "import", laktasi_version="0", code_version=None)
            raw.land(con, settings.data_folder, [FieldedForm(made.xform, made.media, "phones")], run_id)
    path.unlink()


def published(settings: Settings, **choices: bool) -> list[str]:
    lines: list[str] = []
    publish_forms(settings, dry_run=True, choices=Choices(**choices), tell=lines.append)
    return lines


def refused(settings: Settings, **choices: bool) -> list[str]:
    lines: list[str] = []
    with pytest.raises(QuestionnaireError, match="not published"):
        publish_forms(settings, choices=Choices(**choices), tell=lines.append)
    return lines


@pytest.mark.parametrize("where", ["fielded", "warehouse"])
def test_what_breaks_records_that_are_here_is_said_though_central_has_none_of_the_form(
    settings: Settings, where: str
) -> None:
    keep(settings, where, put(settings, AGE))
    put(settings, OTHERWISE, version="2")
    lines = refused(settings)
    assert [line for line in lines if "BREAKS" in line] == TOLD
    assert lines[-1] == "visit: refused: 2 change(s) break what has been collected; --accept-changes takes them"
    assert [line for line in published(settings, accept_changes=True) if "would be published" in line]


@pytest.mark.parametrize("where", ["fielded", "warehouse"])
def test_a_version_that_is_known_here_as_another_form_is_refused(settings: Settings, where: str) -> None:
    keep(settings, where, put(settings, AGE))
    put(settings, AGE, ("text", "note", "Note", "direct"))
    name = {"fielded": "xlsforms/fielded/visit-old.xml", "warehouse": "the warehouse"}[where]
    assert refused(settings, accept_changes=True)[-1] == (
        f"visit: refused: version 1 stands in {name} and is another form than the one here; records of that version "
        "are read by what stands there: give this one a new version in the sheet settings"
    )
    put(settings, AGE)
    assert [line for line in published(settings) if "would be published" in line]


def test_the_same_form_that_another_pyxform_wrote_is_no_other(settings: Settings) -> None:
    path = put(settings, AGE)
    keep(settings, "fielded", path)
    kept = settings.folders.xlsforms / "fielded" / "visit-old.xml"
    kept.write_bytes(kept.read_bytes().replace(b"<h:body>", b'<h:body class="pages">\n'))
    put(settings, AGE)
    assert [line for line in published(settings) if "would be published" in line]


@pytest.mark.parametrize("where", ["fielded", "warehouse"])
def test_a_table_of_a_form_that_is_known_here_breaks(settings: Settings, where: str) -> None:
    keep(settings, where, put(settings, ("begin repeat", "infant", "Infant", ""), AGE, ("end repeat", "", "", "")))
    put(settings, AGE, form_id="visit__infant")
    assert [line for line in refused(settings) if "BREAKS: visit__infant: is a table of the form visit too" in line]


def test_what_central_has_stands_before_what_was_in_use_here(settings: Settings) -> None:
    note = ("text", "note", "Note", "direct")
    publish_forms(settings, [put(settings, AGE, version="3")])
    keep(settings, "fielded", put(settings, AGE, note, version="2"))
    put(settings, AGE, version="4")
    # the note was dropped with version 3, which is what people fill in now
    assert not [line for line in published(settings) if "is no longer asked" in line]


def test_a_version_that_sorts_before_one_that_is_known_here_is_told(settings: Settings) -> None:
    keep(settings, "fielded", put(settings, AGE, version="10"))
    put(settings, AGE, version="9")
    assert "visit: warning: version 9 sorts before 10, which was in use before" in published(settings)


def test_a_form_without_a_version_is_not_told_to_sort_before_another(settings: Settings) -> None:
    publish_forms(settings, [put(settings, AGE)])
    keep(settings, "fielded", put(settings, AGE, version="0"))
    put(settings, AGE, version="")
    lines = refused(settings)
    assert [line for line in lines if "there is no version" in line]
    assert not [line for line in lines if "sorts before" in line or "version  " in line]


def test_a_warehouse_that_is_at_work_is_told_and_stops_nothing(settings: Settings) -> None:
    keep(settings, "warehouse", put(settings, AGE))
    put(settings, OTHERWISE, version="2")
    with alone(settings.data_folder):
        lines = published(settings)
    assert lines[0] == (
        f"warning: not compared with the forms of the warehouse: another run is working in {settings.data_folder.root}"
    )
    assert [line for line in lines if "would be published" in line]


def test_no_data_folder_is_made_by_publishing(settings: Settings) -> None:
    shutil.rmtree(settings.data_folder.root, ignore_errors=True)
    put(settings, AGE)
    published(settings)
    assert not settings.data_folder.warehouse.exists()
