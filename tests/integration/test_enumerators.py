"""Enumerators of a list become app users of Central, and nobody else does; their sheets carry keys that work."""

from __future__ import annotations

import base64
import io
import json
import logging
import shutil
import stat
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from laktasi.cli.enumerators import enumerators as command
from laktasi.errors import SettingsError, SourceError
from laktasi.fieldkit import sync_enumerators, write_sheets
from laktasi.odk import collect_settings
from laktasi.odk.collect_settings import as_qr_text
from laktasi.odk.enumerators import AppUser, Enumerator, Plan, Step, read_enumerators
from laktasi.report.sheet import Sheet
from laktasi.settings import Settings, read_settings
from tests.central import Acts
from tests.central.fixtures import Site
from tests.phones import payload

NAME = "Siti Rahasia Sekali"
HEAD = "code,name,language,forms,active\n"
XFORM = """<?xml version="1.0"?>
<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
 xmlns:odk="http://www.opendatakit.org/xforms"><h:head><h:title>The {form}</h:title><model>
<submission odk:client-editable="{editable}"/><instance><data id="{form}" version="3"><age/><meta><instanceID/></meta>
</data></instance><bind nodeset="/data/age" type="int"/></model></h:head>
<h:body><input ref="/data/age"><label>Age</label></input></h:body></h:html>"""


@pytest.fixture
def acts(site: Site) -> Acts:
    """A manager at a Central, in a new project with two published forms."""
    for form in ("visit", "weight"):
        site.acts.publish(XFORM.format(form=form, editable=str(form == "visit").lower()).encode())
    return site.acts


@pytest.fixture
def settings(acts: Acts, tmp_path: Path) -> Settings:
    central = {"url": acts.url, "project": acts.project, "email": acts.email, "password": acts.password}
    return read_settings(tmp_path, central=central)


def put(settings: Settings, *lines: str, head: str = HEAD) -> Path:
    path = settings.project / "enumerators.csv"
    path.write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def synced(settings: Settings, *lines: str, dry_run: bool = False, revoke_missing: bool = False) -> list[str]:
    told: list[str] = []
    path = put(settings, *lines)
    sync_enumerators(settings, path, dry_run=dry_run, revoke_missing=revoke_missing, tell=told.append)
    return [line for line in told if not line.startswith(("warning: phones", "sheets written"))]


def users(acts: Acts) -> dict[str, set[str]]:
    """Give those with access: name to the forms they may send."""
    listed = acts.do("GET", f"{acts.place()}/app-users")
    assigned = acts.do("GET", f"{acts.place()}/assignments/forms/app-user")
    return {
        row["displayName"]: {one["xmlFormId"] for one in assigned if one["actorId"] == row["id"]}
        for row in listed
        if row["token"]
    }


def sheet(settings: Settings, code: str) -> Path:
    return settings.data_folder.fieldwork / "sheets" / "central" / f"{code}.html"


# The list


def test_a_list_is_read_as_spreadsheet_programs_write_it(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(
        b"\xef\xbb\xbfCode;Name;Active;Language;Forms\r\n"
        b' E07 ;"Ani; Contoh";ya;ID;visit weight\r\n;;;;\r\nE08;Budi;Tidak;en;\r\n'
    )
    assert read_enumerators(path) == (
        Enumerator("E07", "Ani; Contoh", "id", ("visit", "weight"), True, 2),
        Enumerator("E08", "Budi", "en", (), False, 4),
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "it is empty"),
        ("code,name,language\nE1,A,id\n", "line 1: there is no column 'active'"),
        ("code,name,language,active,phone\n", "line 1, column 'phone': is not one of"),
        ("code,name,language,active,code\n", "line 1, column 'code': is not one of"),
        (HEAD + "E 1,A,id,,yes\n", "line 2, column 'code': write letters"),
        (HEAD + "../x,A,id,,yes\n", "line 2, column 'code': write letters"),
        (HEAD + "E1,,id,,yes\n", "line 2, column 'name': is empty"),
        (HEAD + "E1,A,id,,yes\n\nE2,B,jv,,yes\n", "line 4, column 'language': write one of id, en"),
        (HEAD + "E1,A,id,,\n", "line 2, column 'active': write yes or no"),
        (HEAD + "E1,A,id,,maybe\n", "line 2, column 'active': write yes or no"),
        (HEAD + "E1,A,id\n", "line 2, column 'active': write yes or no"),
        (HEAD + "E1,A,id,,yes\ne1,B,id,,yes\n", "line 3, column 'code': 'e1' stands in line 2 already"),
        (HEAD + "E1,A,id,,yes,more\n", "line 2: has 6 cells under 5 columns"),
        (HEAD + 'E1,"A,id,,yes\n', "line 2: a quotation mark is not closed"),
        (HEAD + "E1,Ani \xe9,id,,yes\n", "it is not UTF-8 text"),
    ],
)
def test_a_list_that_cannot_be_used_names_line_and_column(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(SettingsError) as error:
        read_enumerators(path)
    assert error.value.what.startswith(f"list.csv: {told}")


# Central made to agree


def test_enumerators_get_access_to_the_forms_and_are_called_by_their_code(acts: Acts, settings: Settings) -> None:
    told = synced(settings, f"E07,{NAME},id,,yes", "E08,Budi,en,weight,yes")
    assert users(acts) == {"E07": {"visit", "weight"}, "E08": {"weight"}}
    assert told == [
        "E07: gets access",
        "E07: gets the form visit",
        "E07: gets the form weight",
        "E08: gets access",
        "E08: gets the form weight",
    ]


def test_a_second_sync_does_nothing(acts: Acts, settings: Settings) -> None:
    lines = (f"E07,{NAME},id,,yes", "E08,Budi,en,weight,yes")
    synced(settings, *lines)
    before, page = acts.do("GET", f"{acts.place()}/app-users"), sheet(settings, "E07").read_bytes()
    assert synced(settings, *lines) == ["Central agrees with the list"]
    assert acts.do("GET", f"{acts.place()}/app-users") == before
    assert sheet(settings, "E07").read_bytes() == page


def test_a_draft_is_not_given_to_phones(acts: Acts, settings: Settings) -> None:
    draft = XFORM.format(form="plan", editable="true").encode()
    acts.do("POST", f"{acts.place()}/forms", data=draft, headers={"Content-Type": "application/xml"})
    synced(settings, "E07,Ani,id,,yes")
    assert users(acts) == {"E07": {"visit", "weight"}}
    with pytest.raises(SettingsError, match="'plan' is not published"):
        synced(settings, "E07,Ani,id,plan,yes")


def test_forms_follow_the_list(acts: Acts, settings: Settings) -> None:
    synced(settings, "E07,Ani,id,visit,yes")
    assert synced(settings, "E07,Ani,id,weight,yes") == [
        "E07: gets the form weight",
        "E07: no longer gets the form visit",
    ]
    assert users(acts) == {"E07": {"weight"}}


def test_who_is_not_active_loses_access_and_the_sheet(acts: Acts, settings: Settings) -> None:
    synced(settings, "E07,Ani,id,,yes", "E08,Budi,en,,yes")
    assert sheet(settings, "E07").exists()
    [told] = synced(settings, "E07,Ani,id,,no", "E08,Budi,en,,yes")
    assert told == "E07: has no access any more; what its phone has not sent comes by cable"
    assert set(users(acts)) == {"E08"}
    assert not sheet(settings, "E07").exists()
    assert synced(settings, "E07,Ani,id,,no", "E08,Budi,en,,yes") == ["Central agrees with the list"]
    # Back again: with a new key.
    synced(settings, "E07,Ani,id,,yes", "E08,Budi,en,,yes")
    assert set(users(acts)) == {"E07", "E08"}


def test_who_is_not_in_the_list_is_told_and_loses_access_only_on_request(acts: Acts, settings: Settings) -> None:
    acts.app_user("somebody", "visit")
    told = synced(settings, "E07,Ani,id,,yes")
    assert told[-1].startswith("somebody: has access and is not in the list")
    assert "somebody" in users(acts)
    [told_again] = synced(settings, "E07,Ani,id,,yes", revoke_missing=True)
    assert told_again.startswith("somebody: has no access any more")
    assert set(users(acts)) == {"E07"}


def test_a_sheet_goes_with_the_access_and_no_other_file_does(acts: Acts, settings: Settings) -> None:
    synced(settings, "E07,Ani,id,,yes", "E08,Budi,id,,yes")
    other = sheet(settings, "../other")
    other.touch()
    acts.app_user("../other")
    acts.app_user("E07")  # a second one, whose access ends: the sheet of the first stays
    synced(settings, "E07,Ani,id,,yes", revoke_missing=True)
    assert set(users(acts)) == {"E07"}
    assert [other.exists(), sheet(settings, "E07").exists(), sheet(settings, "E08").exists()] == [True, True, False]


def test_a_dry_run_does_nothing(acts: Acts, settings: Settings) -> None:
    acts.app_user("somebody")
    told = synced(settings, "E07,Ani,id,visit,yes", dry_run=True, revoke_missing=True)
    assert told == [
        "E07: would get access",
        "E07: would get the form visit",
        "somebody: would lose access; what its phone has not sent comes by cable",
    ]
    assert set(users(acts)) == {"somebody"}
    assert not settings.data_folder.fieldwork.exists()


def test_a_form_that_is_not_published_is_refused_before_anything_is_done(acts: Acts, settings: Settings) -> None:
    with pytest.raises(SettingsError, match="line 3, column 'forms': 'visits' is not published"):
        synced(settings, "E07,Ani,id,,yes", "E08,Budi,en,visits,yes")
    assert users(acts) == {}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["app-users$", "assignments/app-user", "app-users/"])
def test_a_sync_that_was_broken_off_is_finished_by_the_next(
    double_site: Site, tmp_path: Path, step: str, when: Any
) -> None:
    acts, double = double_site.acts, double_site.double
    assert double
    acts.publish(XFORM.format(form="visit", editable="true").encode())
    acts.app_user("E09", "visit")
    central = {"url": acts.url, "project": acts.project, "email": acts.email, "password": acts.password}
    settings = read_settings(tmp_path, central=central)
    lines = ("E07,Ani,id,,yes", "E08,Budi,en,,yes", "E09,Cici,en,,no")
    fault = double.faults.next(step, "reset", method="DELETE" if step == "app-users/" else "POST", when=when)
    with pytest.raises(SourceError):
        synced(settings, *lines)
    assert fault.times == 0
    synced(settings, *lines)
    assert users(acts) == {"E07": {"visit"}, "E08": {"visit"}}
    assert synced(settings, *lines) == ["Central agrees with the list"]


def test_a_second_app_user_of_one_code_is_told(acts: Acts, settings: Settings) -> None:
    first, _ = acts.app_user("E07", "visit", "weight")
    acts.app_user("E07")
    [told] = synced(settings, "E07,Ani,id,,yes")
    assert told.startswith("E07: has access and is not in the list, or stands there twice")
    synced(settings, "E07,Ani,id,,yes", revoke_missing=True)
    [left] = acts.do("GET", f"{acts.place()}/app-users")
    assert left["id"] == first


def test_an_account_that_may_only_read_is_told_what_it_lacks(acts: Acts, settings: Settings) -> None:
    viewer = acts.make_account("viewer@example.org", "a-long-password")
    central = {"url": acts.url, "project": acts.project, "email": viewer.email, "password": viewer.password}
    with pytest.raises(SourceError, match="this user may not read"):
        synced(read_settings(settings.project, central=central), "E07,Ani,id,,yes")
    assert users(acts) == {}
    acts.delete_account(viewer.myself())
    viewer.close()


# The sheets


def test_a_sheet_holds_a_key_that_sends_and_lies_privately(
    acts: Acts, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[str] = []

    def noted(settings_of_phone: Mapping[str, Any]) -> str:
        carried.append(as_qr_text(settings_of_phone))
        return carried[-1]

    monkeypatch.setattr(collect_settings, "as_qr_text", noted)
    synced(settings, f"E07,{NAME},id,visit,yes")
    [text] = carried
    made = json.loads(zlib.decompress(base64.b64decode(text)))
    assert (made["project"], made["admin"]) == ({"name": "laktasi test"}, {})
    assert (made["general"]["app_language"], made["general"]["metadata_username"]) == ("in", "E07")
    # As Collect asks with it: the list of forms, and a submission.
    address = made["general"]["server_url"].removeprefix(f"{acts.url}/v1/")
    openrosa: dict[str, Any] = {"X-OpenRosa-Version": "1.0", "Authorization": None}
    forms = acts.ask("GET", f"{address}/formList", headers=openrosa)
    assert (forms.status_code, "<formID>visit<" in forms.text, "weight" in forms.text) == (200, True, False)
    key = address.split("/")[1]
    acts.submit(payload("uuid:one"), token=key)
    path = sheet(settings, "E07")
    assert NAME in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in list(path.parents)[:3]} == {0o700}


def test_names_and_keys_stay_out_of_central_lines_and_logs(
    acts: Acts, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="laktasi")
    told = synced(settings, f"E07,{NAME},id,,yes")
    listed = acts.do("GET", f"{acts.place()}/app-users")
    assert NAME not in json.dumps(listed) + "".join(told) + caplog.text
    assert listed[0]["token"] not in "".join(told) + caplog.text


def test_names_and_keys_do_not_print() -> None:
    user = AppUser(1, "E07", "k3y", "")
    planned = Plan({"E07": user}, (Step("revoke", "E07", user=user),), ())
    page = Sheet("E07", NAME, "id", "study", "host", (), is_editable=True, qr="k3y")
    printed = repr((planned, page, Enumerator("E07", NAME, "id", (), is_active=True, line=2)))
    assert "E07" in printed
    assert not any(secret in printed for secret in (NAME, "k3y"))


def test_sheets_are_written_again_without_touching_central(acts: Acts, settings: Settings) -> None:
    synced(settings, "E07,Ani,id,visit,yes")
    sheet(settings, "E07").unlink()
    told: list[str] = []
    path = put(settings, "E07,Ani Baru,en,visit,yes", "E08,Budi,en,,yes", "E09,Cici,id,,no")
    assert write_sheets(settings, path, tell=told.append) == [sheet(settings, "E07")]
    assert "Ani Baru" in sheet(settings, "E07").read_text(encoding="utf-8")
    assert "E08: has no access, so there is no sheet; laktasi enumerators sync gives it" in told
    assert set(users(acts)) == {"E07"}


def test_a_sheet_says_how_to_mend_only_where_every_form_allows_it(settings: Settings) -> None:
    synced(settings, "E07,Ani,en,visit,yes", "E08,Budi,en,,yes")
    assert "tap the pencil" in sheet(settings, "E07").read_text(encoding="utf-8")
    assert "it cannot be changed on the phone" in sheet(settings, "E08").read_text(encoding="utf-8")
    assert "The visit, The weight" in sheet(settings, "E08").read_text(encoding="utf-8")


def test_an_address_that_no_phone_reaches_is_told(settings: Settings) -> None:
    told: list[str] = []
    sync_enumerators(settings, put(settings, "E07,Ani,id,,yes"), tell=told.append)
    assert "warning: phones cannot reach 127.0.0.1; set central.url to the address that they use" in told


@pytest.mark.browser
def test_a_printed_sheet_is_one_page_that_a_camera_reads(settings: Settings, tmp_path: Path) -> None:
    chromium, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver_path is None:
        pytest.skip("no chromium and chromedriver on this machine; .ci/run installs them and runs this test")
    import zxingcpp
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    synced(settings, f"E07,{NAME},id,,yes")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    try:
        driver.get(sheet(settings, "E07").as_uri())
        driver.set_window_size(794, 1300)
        picture = Image.open(io.BytesIO(driver.get_screenshot_as_png()))
        printed = base64.b64decode(driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    finally:
        driver.quit()
    [found] = zxingcpp.read_barcodes(picture)
    made = json.loads(zlib.decompress(base64.b64decode(found.text)))
    assert made["general"]["metadata_username"] == "E07"
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") == 1


# The commands


def test_the_commands(acts: Acts, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    central = settings.central["central"]
    assert central.password is not None
    for name, value in (
        ("URL", central.url),
        ("PROJECT", str(central.project)),
        ("EMAIL", str(central.email)),
        ("PASSWORD", central.password.get_secret_value()),
    ):
        monkeypatch.setenv(f"LAKTASI_CENTRAL__{name}", value)
    rest = [str(put(settings, "E07,Ani,id,,yes")), "--project", str(settings.project)]
    run = CliRunner().invoke
    assert "E07: would get access" in run(command, ["sync", *rest, "--dry-run"]).output
    result = run(command, ["sync", *rest])
    assert (result.exit_code, "sheets written: 1, in" in result.output) == (0, True)
    assert run(command, ["sheets", *rest]).exit_code == 0
    assert set(users(acts)) == {"E07"}
