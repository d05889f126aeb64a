"""Publishing XLSForms: what is said before, what is refused, and what stands wherever it is broken off.

A real Central needs a pyxform endpoint beside it for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from laktasi.cli.forms import forms as forms_command
from laktasi.errors import LaktasiError, QuestionnaireError, SettingsError, SourceError
from laktasi.odk import publish
from laktasi.odk.connection import Connection, connect
from laktasi.publishing import Choices, editing, publish_forms
from laktasi.questionnaire import check
from laktasi.questionnaire.xlsform import convert
from laktasi.settings import Settings, read_settings
from laktasi.store.warehouse import open_warehouse
from laktasi.workplace import alone
from tests.central import Acts
from tests.central.faults import When
from tests.central.fixtures import Site

AGE = ("integer", "age", "Age", "quasi")
HOUSE = ("select_one_from_file houses.csv", "house", "House", "none")
HOUSES = b"name,label\nh1,One\nh2,Two\n"


@pytest.fixture(autouse=True)
def without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """ODK Validate takes seconds, and has a test of its own."""
    monkeypatch.setattr(check, "find_java", lambda: None)


@pytest.fixture
def acts(site: Site) -> Acts:
    """A manager at a Central, in a new project."""
    return site.acts


@pytest.fixture
def settings(acts: Acts, tmp_path: Path) -> Settings:
    (tmp_path / "xlsforms").mkdir()
    return settings_at(acts, tmp_path)


def settings_at(acts: Acts, folder: Path, **more: Any) -> Settings:
    central = {"url": acts.url, "project": acts.project, "email": acts.email, "password": acts.password} | more
    return read_settings(folder, central=central)


def put(
    settings: Settings,
    *rows: tuple[str, ...],
    version: str = "1",
    form_id: str = "visit",
    media: Mapping[str, bytes] | None = None,
    **more: str,
) -> Path:
    """Write an XLSForm and its media into the project."""
    book = openpyxl.Workbook()
    sheets: dict[str, list[tuple[str, ...]]] = {
        "survey": [("type", "name", "label", "bind::laktasi:privacy"), *(rows or (AGE,))],
        "choices": [("list_name", "name", "label"), ("yn", "yes", "Yes"), ("yn", "no", "No")],
        "settings": [
            ("form_title", "form_id", "version", "namespaces", *more),
            ("Visit", form_id, version, 'laktasi="urn:laktasi:privacy"', *more.values()),
        ],
    }
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    del book["Sheet"]
    path = settings.folders.xlsforms / f"{form_id}.xlsx"
    book.save(path)
    folder = path.with_name(f"{form_id}-media")
    for name, content in (media or {}).items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return path


def published(settings: Settings, *paths: Path, dry_run: bool = False, **choices: bool) -> tuple[list[str], list[str]]:
    """Publish, and give the ids of the forms and the lines that were told."""
    lines: list[str] = []
    done = publish_forms(settings, paths, dry_run=dry_run, choices=Choices(**choices), tell=lines.append)
    return done, lines


def refused(settings: Settings, **choices: bool) -> list[str]:
    lines: list[str] = []
    with pytest.raises(QuestionnaireError, match="not published") as error:
        publish_forms(settings, choices=Choices(**choices), tell=lines.append)
    assert error.value.exit_code == 3
    return lines


def versions(acts: Acts, form_id: str = "visit") -> list[str]:
    answer = acts.ask("GET", f"{acts.place('forms', form_id)}/versions")
    return [row["version"] for row in answer.json()] if answer.status_code == 200 else []


def draft(acts: Acts, form_id: str = "visit") -> str | None:
    answer = acts.ask("GET", acts.place("forms", form_id, "draft"))
    return answer.json()["version"] if answer.status_code == 200 else None


def put_other_draft(acts: Acts, settings: Settings, version: str) -> None:
    """Let somebody else put up a draft."""
    xform = convert(put(settings, AGE, ("text", "other", "Other", "none"), version=version)).xform
    acts.do("POST", acts.place("forms", "visit", "draft"), data=xform, headers={"Content-Type": "application/xml"})


# The way of a form


def test_a_new_form_is_published_whole_with_its_media(acts: Acts, settings: Settings) -> None:
    path = put(settings, AGE, HOUSE, media={"houses.csv": HOUSES, "notes.txt": b"not named by the form"})
    done, lines = published(settings)
    assert done == ["visit"]
    assert lines[-3:-1] == ["visit: draft is up", "visit: uploaded houses.csv"]
    assert versions(acts) == ["1"]
    assert acts.do("GET", f"{acts.place('forms', 'visit')}.xml") == convert(path).xform
    assert acts.do("GET", acts.place("forms", "visit", "attachments", "houses.csv")) == HOUSES
    assert draft(acts) is None


def made(folder: Path) -> Path:
    (folder / "xlsforms").mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("site", ["real"], indirect=True)  # the stand-in keeps no workbooks, and has no trash
def test_managers_can_download_the_workbook_and_a_deleted_form_is_told(acts: Acts, settings: Settings) -> None:
    path = put(settings)
    published(settings)
    assert acts.do("GET", f"{acts.place('forms', 'visit')}.xlsx") == path.read_bytes()
    acts.do("DELETE", acts.place("forms", "visit"))
    assert "version 1 lies in Central's trash" in refused(settings)[-1]
    put(settings, version="2")
    done, lines = published(settings)
    assert done == ["visit"]
    assert [line for line in lines if "lies in Central's trash" in line]


@pytest.mark.parametrize("site", ["real"], indirect=True)  # the stand-in attaches no entity lists
def test_a_file_that_is_here_does_not_take_the_place_of_an_entity_list(acts: Acts, settings: Settings) -> None:
    acts.make_list("houses", "village")
    put(settings, AGE, HOUSE, media={"houses.csv": HOUSES})
    _, lines = published(settings)
    assert not [line for line in lines if "uploaded" in line]
    [row] = acts.do("GET", f"{acts.place('forms', 'visit')}/attachments")
    assert (row["datasetExists"], row["blobExists"]) == (True, False)


def test_a_form_that_is_there_already_is_left_alone(acts: Acts, settings: Settings) -> None:
    put(settings, AGE, HOUSE, media={"houses.csv": HOUSES})
    published(settings)
    before = acts.do("GET", acts.place("forms", "visit"))
    done, lines = published(settings)
    assert done == []
    assert lines[-1] == "visit, version 1: already published"
    assert acts.do("GET", acts.place("forms", "visit")) == before
    assert draft(acts) is None


def test_a_dry_run_says_all_and_does_nothing(acts: Acts, settings: Settings) -> None:
    put(settings)
    done, lines = published(settings, dry_run=True)
    assert done == []
    assert lines[-1].startswith("visit, version 1: would be published on ")
    assert versions(acts) == []
    assert acts.do("GET", f"{acts.place()}/forms") == []


def test_a_new_version_takes_the_place_of_the_old_one_which_stays(acts: Acts, settings: Settings) -> None:
    put(settings)
    published(settings)
    put(settings, AGE, ("text", "note", "Note", "direct"), version="2")
    done, lines = published(settings)
    assert done == ["visit"]
    assert not [line for line in lines if "BREAKS" in line or "changes" in line]
    assert versions(acts) == ["2", "1"]


def test_a_published_version_never_changes(acts: Acts, settings: Settings) -> None:
    put(settings, AGE, HOUSE, media={"houses.csv": HOUSES})
    published(settings)
    put(settings, AGE, HOUSE, ("text", "note", "Note", "direct"), media={"houses.csv": HOUSES + b"h3,Three\n"})
    lines = refused(settings, accept_changes=True, replace_draft=True)
    assert [line for line in lines if "refused" in line] == [
        "visit: refused: version 1 is published and is another form than the one here; a published version never "
        "changes: give this one a new version in the sheet settings",
        "visit: refused: version 1 is published with other media than here (houses.csv); to send them, give the form a "
        "new version in the sheet settings",
    ]
    assert acts.do("GET", acts.place("forms", "visit", "attachments", "houses.csv")) == HOUSES


def test_new_media_travel_with_a_new_version(acts: Acts, settings: Settings) -> None:
    put(settings, AGE, HOUSE, media={"houses.csv": HOUSES})
    published(settings)
    put(settings, AGE, HOUSE, version="2", media={"houses.csv": b"name,label\nh1,One\n"})
    _, lines = published(settings)
    assert "visit: changes: house: no longer offers h2: answers that have been given stay" in lines
    assert acts.do("GET", acts.place("forms", "visit", "attachments", "houses.csv")) == b"name,label\nh1,One\n"
    assert acts.do("GET", acts.place("forms", "visit", "versions", "1", "attachments", "houses.csv")) == HOUSES


def test_choices_that_are_dropped_are_counted_where_the_warehouse_has_them(settings: Settings) -> None:
    several = ("select_multiple yn", "signs", "Signs", "none")
    put(settings, several, ("select_one yn", "milk", "Milk", "none"))
    published(settings)
    settings.data_folder.make()
    with open_warehouse(settings.data_folder) as con:
        con.execute("create table answers.visit (signs varchar, milk varchar)")
        con.execute("insert into answers.visit values ('yes no', 'no'), ('no', 'yes'), ('  yes', 'no'), (null, 'no')")
    path = put(settings, several, ("select_one yn", "milk", "Milk", "none"), version="2")
    book = openpyxl.load_workbook(path)
    book["choices"].delete_rows(3)
    book.save(path)
    _, lines = published(settings, dry_run=True)
    assert [line for line in lines if "changes" in line] == [
        "visit: changes: signs: no longer offers no: answers that have been given stay (2 so far)",
        "visit: changes: milk: no longer offers no: answers that have been given stay (3 so far)",
    ]
    with alone(settings.data_folder):
        _, lines = published(settings, dry_run=True)
    assert "visit: changes: milk: no longer offers no: answers that have been given stay" in lines


def test_an_older_version_is_told_and_not_refused(acts: Acts, settings: Settings) -> None:
    put(settings, version="10")
    published(settings)
    put(settings, version="9")
    _, lines = published(settings)
    assert "visit: warning: version 9 sorts before 10, which is published" in lines
    put(settings, version="10")
    _, lines = published(settings)
    assert lines[-1] == "visit, version 10: already published; phones have version 9, which came later"


# What would break


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("text", "age", "Age", "quasi"), "was integer and becomes text"),
        (("integer", "age", "Age", "none"), "was quasi and says none"),
    ],
)
def test_what_breaks_is_said_before_and_needs_a_word(
    acts: Acts, settings: Settings, row: tuple[str, ...], told: str
) -> None:
    put(settings)
    published(settings)
    put(settings, row, version="2")
    lines = refused(settings)
    assert [line for line in lines if line.startswith(f"visit: BREAKS: age: {told}")]
    assert lines[-1] == "visit: refused: 1 change(s) break what has been collected; --accept-changes takes them"
    assert versions(acts) == ["1"]
    assert published(settings, accept_changes=True)[0] == ["visit"]
    assert versions(acts) == ["2", "1"]


def test_a_type_that_central_refuses_is_told_in_words(acts: Acts, settings: Settings) -> None:
    put(settings, ("text", "age", "Age", "quasi"))
    published(settings)
    put(settings, AGE, version="2")
    with pytest.raises(QuestionnaireError, match="a question would change its type on the server"):
        published(settings, accept_changes=True)
    assert versions(acts) == ["1"]
    assert draft(acts) is None


def test_a_table_of_another_form_breaks(acts: Acts, settings: Settings) -> None:
    put(settings, ("begin repeat", "infant", "Infant", ""), AGE, ("end repeat", "", "", ""))
    published(settings)
    (settings.folders.xlsforms / "visit.xlsx").unlink()
    put(settings, form_id="visit__infant")
    lines = refused(settings)
    assert [line for line in lines if "BREAKS: visit__infant: is a table of the form visit too" in line]
    assert versions(acts, "visit__infant") == []


def test_nothing_is_published_where_one_of_several_cannot_be(acts: Acts, settings: Settings) -> None:
    put(settings, form_id="a_good_one")
    put(settings, AGE, HOUSE)
    lines = refused(settings)
    assert [line for line in lines if "media 'houses.csv' is not in the folder visit-media" in line]
    assert versions(acts, "a_good_one") == []


def test_a_file_that_central_makes_of_an_entity_list_need_not_be_here(acts: Acts, settings: Settings) -> None:
    acts.make_list("houses", "village")
    put(settings, AGE, HOUSE)
    done, lines = published(settings)
    assert done == ["visit"]
    assert "visit: houses.csv comes from an entity list on Central" in lines
    assert not [line for line in lines if "uploaded" in line]


# Drafts, and runs that were broken off


def test_the_draft_of_somebody_else_is_left_alone(acts: Acts, settings: Settings) -> None:
    put(settings)
    published(settings)
    put_other_draft(acts, settings, "7")
    put(settings, AGE, ("text", "note", "Note", "direct"), version="2")
    lines = refused(settings)
    assert "another draft stands on Central (version 7)" in lines[-1]
    assert draft(acts) == "7"
    assert published(settings, replace_draft=True)[0] == ["visit"]
    assert (versions(acts), draft(acts)) == (["2", "1"], None)


STEPS = {
    "draft": r"forms\?",
    "media": r"draft/attachments/houses\.csv",
    "publish": r"draft/publish",
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_first", [True, False], ids=["new form", "new version"])
def test_a_run_that_was_broken_off_is_finished_by_the_next(
    double_site: Site, tmp_path: Path, step: str, when: When, is_first: bool
) -> None:
    acts, double = double_site.acts, double_site.double
    assert double
    settings = settings_at(acts, made(tmp_path))
    if not is_first:
        put(settings)
        published(settings)
    put(settings, AGE, HOUSE, version="2", media={"houses.csv": HOUSES})
    pattern = STEPS[step] if is_first or step != "draft" else r"draft\?"
    fault = double.faults.next(pattern, "reset", method="POST", when=when)
    with pytest.raises(SourceError):
        published(settings)
    assert fault.times == 0
    done, lines = published(settings)
    is_done_already = step == "publish" and when == "after"
    assert done == ([] if is_done_already else ["visit"])
    assert lines[-1].startswith("visit, version 2: ")
    assert versions(acts) == (["2"] if is_first else ["2", "1"])
    assert draft(acts) is None
    assert acts.do("GET", acts.place("forms", "visit", "attachments", "houses.csv")) == HOUSES


def test_a_file_that_did_not_arrive_whole_is_not_published(
    acts: Acts, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings, AGE, HOUSE, media={"houses.csv": HOUSES})
    whole = Connection.send

    def torn(self: Connection, method: str, path: str, **given: Any) -> Any:
        if "attachments" in path:
            given["data"] = given["data"][:-3]
        return whole(self, method, path, **given)

    monkeypatch.setattr(Connection, "send", torn)
    with pytest.raises(SourceError, match=r"not on \S+ as they are here: houses\.csv"):
        published(settings)
    assert versions(acts) == []
    monkeypatch.undo()
    monkeypatch.setattr(check, "find_java", lambda: None)
    assert published(settings)[0] == ["visit"]


def another_pyxform(monkeypatch: pytest.MonkeyPatch, change: Callable[[bytes], bytes]) -> None:
    """Let this machine's pyxform make something else of a workbook than the server's."""
    from laktasi.questionnaire import xlsform

    plain = xlsform.convert

    def other(path: Path) -> xlsform.ConvertedForm:
        made = plain(path)
        return xlsform.ConvertedForm(change(made.xform), made.media, made.warnings)

    monkeypatch.setattr(xlsform, "convert", other)


def test_a_form_that_the_server_makes_otherwise_is_not_published(
    acts: Acts, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings)
    published(settings)
    put(settings, AGE, ("text", "note", "Note", "direct"), version="2")
    another_pyxform(monkeypatch, lambda xform: xform.replace(b"<label>Note</label>", b"<label>Otherwise</label>"))
    with pytest.raises(QuestionnaireError, match="makes another form of the workbook") as error:
        published(settings)
    assert "taken away again" in error.value.why
    assert "laktasi forms publish --as-xform" in error.value.next_step
    assert (versions(acts), draft(acts)) == (["1"], None)
    assert published(settings, as_xform=True)[0] == ["visit"]
    assert b"<label>Otherwise</label>" in acts.do("GET", f"{acts.place('forms', 'visit')}.xml")


def test_a_first_draft_that_cannot_be_taken_away_is_told(
    acts: Acts, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings)
    another_pyxform(monkeypatch, lambda xform: xform.replace(b"<label>Age</label>", b"<label>Otherwise</label>"))
    with pytest.raises(QuestionnaireError, match="makes another form") as error:
        published(settings)
    assert "Its draft stands there, and phones do not see it." in error.value.why
    assert draft(acts) == "1"
    assert error.value.next_step.endswith("--as-xform --replace-draft")
    assert published(settings, as_xform=True, replace_draft=True)[0] == ["visit"]


def test_xml_that_is_only_written_otherwise_is_the_same_form(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings)
    another_pyxform(monkeypatch, lambda xform: xform.replace(b"><", b">\n  <"))
    assert published(settings)[0] == ["visit"]
    assert published(settings)[1][-1] == "visit, version 1: already published"


# Accounts, and what is named wrongly


def test_an_account_that_may_only_read_is_told_what_it_lacks(acts: Acts, settings: Settings, tmp_path: Path) -> None:
    put(settings)
    viewer = acts.make_account("viewer@example.org", "a-long-password")
    viewing = settings_at(viewer, tmp_path)
    with pytest.raises(SourceError, match="this user may not change") as error:
        published(viewing)
    assert "Project Manager" in error.value.next_step
    assert versions(acts) == []
    acts.delete_account(viewer.myself())
    viewer.close()


def test_without_a_central_a_form_or_a_name_it_is_told_what_to_do(double_site: Site, tmp_path: Path) -> None:
    acts = double_site.acts
    made(tmp_path)
    with pytest.raises(SettingsError, match="no Central is set up"):
        publish_forms(read_settings(tmp_path))
    with pytest.raises(QuestionnaireError, match="there is no XLSForm in xlsforms/"):
        publish_forms(settings_at(acts, tmp_path))
    with pytest.raises(SettingsError, match="no Central is called 'other'"):
        publish_forms(settings_at(acts, tmp_path), source="other")
    account = {"email": acts.email, "password": acts.password}
    several = {"one": {"url": acts.url, "project": 1} | account, "two": {"url": acts.url, "project": 2} | account}
    with pytest.raises(SettingsError, match="several Centrals: one, two"):
        publish_forms(read_settings(tmp_path, central=several))


def test_two_workbooks_with_one_form_id_are_refused(settings: Settings) -> None:
    path = put(settings)
    path.with_name("copy.xlsx").write_bytes(path.read_bytes())
    with pytest.raises(QuestionnaireError, match="two XLSForms have the form_id 'visit'"):
        published(settings)


def test_a_form_that_is_not_pulled_is_told(acts: Acts, settings: Settings, tmp_path: Path) -> None:
    put(settings)
    _, lines = published(settings_at(acts, tmp_path, forms="other"))
    assert [line for line in lines if "not among central.forms" in line]


def test_editing_on_the_phone_is_told_and_how_to_allow_it(settings: Settings) -> None:
    assert "may not be edited on the phone; to allow it, add a column client_editable" in editing(
        convert(put(settings)).xform
    )
    assert editing(convert(put(settings, client_editable="yes")).xform) == "what was sent may be edited on the phone"


def test_the_commands(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    path, central = put(settings), settings.central["central"]
    assert central.password is not None
    monkeypatch.setenv("LAKTASI_CENTRAL__URL", central.url)
    monkeypatch.setenv("LAKTASI_CENTRAL__PROJECT", str(central.project))
    monkeypatch.setenv("LAKTASI_CENTRAL__EMAIL", str(central.email))
    monkeypatch.setenv("LAKTASI_CENTRAL__PASSWORD", central.password.get_secret_value())
    folder = ["--project", str(settings.project)]
    run = CliRunner().invoke
    assert "may not be edited on the phone" in run(forms_command, ["check", str(path)]).output
    assert "would be published" in run(forms_command, ["publish", str(path), "--dry-run", *folder]).output
    assert "version 1: published on" in run(forms_command, ["publish", *folder]).output
    put(settings, version="1", client_editable="yes")
    result = run(forms_command, ["publish", *folder])
    assert isinstance(result.exception, LaktasiError)
    assert "is another form than the one here" in result.output


def test_what_stands_is_read_as_it_is(acts: Acts, settings: Settings) -> None:
    put(settings)
    published(settings)
    acts.set_form_state("visit", "closing")
    with connect(settings.central["central"], settings.data_folder.tokens) as connection:
        found = publish.standing(connection, "visit")
        assert (found.exists, found.versions, found.draft, found.is_open) == (True, ("1",), None, False)
    _, lines = published(settings)
    assert [line for line in lines if "the form is closed on Central" in line]
