"""What a Central lets an account do, asked of the stand-in (and of a real one, where the environment names it)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from laktasi.errors import SourceError
from laktasi.odk.access import access_to, projects_of, server_time, signed_in
from laktasi.settings import CentralSettings
from tests.central.fixtures import Site
from tests.scripted_server import HTML, Answer, Asked, nobody_answers, scripted_server

FORM = b"""<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>Tea</h:title>
<model><instance><data id="tea" version="7"><cup/><meta><instanceID/></meta></data></instance>
<bind nodeset="/data/cup" type="string"/></model></h:head>
<h:body><input ref="/data/cup"><label>Cup</label></input></h:body></h:html>"""


@pytest.fixture(autouse=True)
def _no_pyodk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYODK_CONFIG_FILE", str(tmp_path / "pyodk_config.toml"))


def central_of(site: Site, **changed: object) -> CentralSettings:
    acts = site.acts
    given = {"url": acts.url, "project": acts.project, "email": acts.email, "password": SecretStr(acts.password)}
    return CentralSettings.model_validate(given | changed)


def test_an_administrator_sees_the_project_its_forms_and_may_all(site: Site) -> None:
    site.acts.publish(FORM)
    with signed_in(central_of(site)) as connection:
        assert projects_of(connection)[site.acts.project] == "laktasi test"
        access = access_to(connection)
    assert access.name == "laktasi test"
    assert access.forms == {"tea": "7"}
    assert access.manages
    assert not access.lacks_to_read
    assert not access.is_encrypted


@pytest.mark.parametrize(("role", "reads"), [("viewer", True), ("formfill", False)])
def test_roles_are_told_apart(site: Site, role: str, reads: bool) -> None:
    other = site.acts.make_account(f"{role}-{datetime.now(UTC).timestamp()}@example.org", "a-long-password", role)
    with signed_in(central_of(site, email=other.email, password=SecretStr(other.password))) as connection:
        access = access_to(connection)
    assert (not access.lacks_to_read) is reads
    assert not access.manages


def test_the_session_ends_with_the_look(double_site: Site) -> None:
    assert double_site.double is not None
    before = set(double_site.double.state.sessions)
    with signed_in(central_of(double_site)) as connection:
        access_to(connection)
    assert set(double_site.double.state.sessions) == before


def test_a_wrong_password_and_another_project_are_said(site: Site) -> None:
    with (
        pytest.raises(SourceError, match="does not accept the user name or password"),
        signed_in(central_of(site, password=SecretStr("another-password"))) as connection,
    ):
        access_to(connection)
    with (
        pytest.raises(SourceError, match="project 999999"),
        signed_in(central_of(site, project=999999)) as connection,
    ):
        access_to(connection)


def test_the_time_of_a_server_needs_no_account(site: Site) -> None:
    there = server_time(central_of(site, email=None, password=None))
    assert there is not None
    assert abs(there - datetime.now(UTC)) < timedelta(minutes=5)


def test_the_time_is_the_servers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    then = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    with scripted_server() as script:
        central = CentralSettings(url=script.url, project=1)
        for said, read in ((format_datetime(then, usegmt=True), then), ("tomorrow", None)):
            answer = Answer(401, b"{}", headers={"Date": said})
            monkeypatch.setattr(script, "answer", lambda _, answer=answer: answer)
            assert server_time(central) == read


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(200, HTML, kind="text/html"), "does not answer as ODK Central does"),
        (Answer(302, b"", headers={"Location": "http://login.example.org"}), "does not answer as ODK Central does"),
        (Answer(404, HTML, kind="text/html"), "does not answer as ODK Central does"),
        (Answer(503, HTML, kind="text/html"), "answers with HTTP status 503"),
        (Answer(fault="reset"), "cannot be reached, or broke off"),
    ],
)
def test_what_is_no_central_is_said_at_once(answer: Answer, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Asked] = []

    def give(one: Asked) -> Answer:
        asked.append(one)
        return answer

    with scripted_server() as script:
        monkeypatch.setattr(script, "answer", give)
        with pytest.raises(SourceError, match=said):
            server_time(CentralSettings(url=script.url, project=1))
        assert [one.path for one in asked] == ["users/current"]


def test_a_server_that_is_off_is_said() -> None:
    with pytest.raises(SourceError, match="cannot be reached"):
        server_time(CentralSettings(url=nobody_answers(), project=1))
