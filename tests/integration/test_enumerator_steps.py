"""``laktasi enumerators sync`` says of each step that it was done once it was done, and nothing before."""

from __future__ import annotations

from pathlib import Path

import pytest

from laktasi.errors import SettingsError, SourceError
from laktasi.fieldkit import sync_enumerators
from laktasi.settings import Settings, read_settings
from tests.central.fixtures import Site

HEAD = "code,name,language,active\n"
XFORM = b"""<?xml version="1.0"?>
<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>Visit</h:title>
<model><instance><data id="visit" version="1"><age/><meta><instanceID/></meta></data></instance>
<bind nodeset="/data/age" type="int"/></model></h:head>
<h:body><input ref="/data/age"><label>Age</label></input></h:body></h:html>"""


@pytest.fixture
def settings(double_site: Site, tmp_path: Path) -> Settings:
    acts = double_site.acts
    acts.publish(XFORM)
    central = {"url": acts.url, "project": acts.project, "email": acts.email, "password": acts.password}
    return read_settings(tmp_path, central=central)


def put(settings: Settings, *lines: str) -> Path:
    path = settings.project / "enumerators.csv"
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_what_a_failing_server_did_not_do_is_not_told_as_done(double_site: Site, settings: Settings) -> None:
    assert double_site.double
    told: list[str] = []
    path = put(settings, "E07,Ani,id,yes", "E08,Budi,id,yes")
    # the first is made, and does not get its form
    double_site.double.faults.next("assignments/app-user", "reset", method="POST")
    with pytest.raises(SourceError):
        sync_enumerators(settings, path, tell=told.append)
    assert told == ["E07: gets access"]
    told.clear()
    sync_enumerators(settings, path, tell=told.append)
    assert told[:3] == ["E07: gets the form visit", "E08: gets access", "E08: gets the form visit"]


def test_an_empty_list_takes_access_from_nobody(double_site: Site, settings: Settings) -> None:
    sync_enumerators(settings, put(settings, "E07,Ani,id,yes"))
    with pytest.raises(SettingsError, match="it names nobody"):
        sync_enumerators(settings, put(settings), revoke_missing=True)
    listed = double_site.acts.do("GET", f"{double_site.acts.place()}/app-users")
    assert [row["displayName"] for row in listed if row["token"]] == ["E07"]
