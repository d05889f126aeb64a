"""The doctor's look at a Central: each fault is made on a server, and told with what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from laktasi.doctor import Finding, configuration
from laktasi.questionnaire.xlsform import convert_markdown
from laktasi.settings.private_file import write_private_environment
from tests import mini
from tests.central import Acts, Double
from tests.doctored import looked, project, states, the_one
from tests.scripted_server import EMAIL, HTML, PASSWORD, Answer, Asked, Script, nobody_answers, scripted_server

__all__ = ["project"]
NO_LOGIN = Answer(401, b'{"code": 401.2}')
MANAGER = ["project.read", "form.list", "form.read", "submission.list", "submission.read", "form.create", "form.update"]
MANAGER += ["submission.update", "field_key.create", "assignment.create"]
FORMS = [{"xmlFormId": "tea", "version": "1", "publishedAt": "2026-01-01T00:00:00Z"}]


def set_up(
    project: Path, url: str, *, password: str = PASSWORD, email: str = EMAIL, more: str = "", number: int = 7
) -> None:
    (project / "laktasi.toml").write_text(
        f'[central]\nurl = "{url}"\nproject = {number}\nemail = "{email}"\n{more}', encoding="utf-8"
    )
    write_private_environment(project, {"LAKTASI_CENTRAL__PASSWORD": password})


def look(project: Path) -> list[Finding]:
    """Look at all Centrals. No password is in what is found."""
    found = looked(configuration.look_at_centrals, project)
    assert PASSWORD not in "".join(one.sentence + one.next_step for one in found)
    return found


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """Give a server on which all is well, until a test says otherwise."""
    with scripted_server() as script:
        script.json("projects/7", {"id": 7, "name": "Tea", "verbs": MANAGER, "keyId": None})
        script.json("projects/7/forms", FORMS)
        script.say("sessions/current", Answer(body=b'{"success": true}'))
        usual = script.answer

        def answer(asked: Asked) -> Answer:
            return NO_LOGIN if asked.path == "users/current" else usual(asked)

        monkeypatch.setattr(script, "answer", answer)
        yield script


def test_where_all_is_well_everything_is_ok(project: Path, server: Script) -> None:
    set_up(project, server.url)
    found = look(project)
    assert set(states(found)) == {"ok"}
    assert [one.name for one in found] == ["central", "central: clock", "central: account", "central: forms"]
    assert "tea (version 1)" in found[-1].sentence


def test_a_server_that_is_away_is_the_only_finding(project: Path) -> None:
    set_up(project, nobody_answers())
    (found,) = look(project)
    assert found.state == "wrong"
    assert "cannot be reached" in found.sentence
    assert "connect to the network" in found.next_step


def test_a_login_page_of_a_network_is_told(project: Path, server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "answer", lambda _: Answer(200, HTML, kind="text/html"))
    set_up(project, server.url)
    the_one(look(project), "wrong", "does not answer as ODK Central does", "browser")


@pytest.mark.parametrize(
    ("apart", "state", "said"),
    [
        (timedelta(minutes=30), "warning", "30 minutes behind"),
        (timedelta(minutes=-30), "warning", "30 minutes ahead of"),
        (timedelta(days=365), "wrong", "525600 minutes behind"),
    ],
)
def test_a_clock_that_differs_is_told(
    project: Path, server: Script, monkeypatch: pytest.MonkeyPatch, apart: timedelta, state: str, said: str
) -> None:
    usual = server.answer
    dated = Answer(401, b"{}", headers={"Date": format_datetime(datetime.now(UTC) + apart, usegmt=True)})
    monkeypatch.setattr(server, "answer", lambda asked: dated if asked.path == "users/current" else usual(asked))
    set_up(project, server.url)
    the_one(look(project), state, said, "automatic date and time")


def test_a_wrong_password_is_told_although_a_session_was_kept(project: Path, server: Script) -> None:
    set_up(project, server.url, password="another one")
    the_one(look(project), "wrong", "does not accept the user name or password", "laktasi init")


def test_a_password_that_lacks_is_told(project: Path, server: Script) -> None:
    set_up(project, server.url)
    write_private_environment(project, {"LAKTASI_CENTRAL__PASSWORD": None})
    the_one(look(project), "wrong", "no user name and password", "laktasi init")


def test_a_role_that_may_too_little_is_told(project: Path, server: Script) -> None:
    set_up(project, server.url)
    server.json("projects/7", {"id": 7, "name": "Tea", "verbs": ["project.read", "form.list", "form.read"]})
    found = the_one(look(project), "wrong", "may not read submissions", "Project Viewer")
    assert "submission.list, submission.read" in found.sentence


def test_a_viewer_is_enough_unless_feedback_is_sent(project: Path, server: Script) -> None:
    server.json("projects/7", {"id": 7, "name": "Tea", "verbs": MANAGER[:5]})
    set_up(project, server.url)
    assert set(states(look(project))) == {"ok"}
    set_up(project, server.url, more="[feedback]\nsend = true\n")
    the_one(look(project), "wrong", "feedback.send", "Project Manager")


def test_a_project_that_encrypts_is_told(project: Path, server: Script) -> None:
    set_up(project, server.url)
    server.json("projects/7", {"id": 7, "name": "Tea", "verbs": MANAGER, "keyId": 3})
    the_one(look(project), "wrong", "encrypts its submissions", "https")


def test_a_form_that_is_not_there_and_one_that_is_newer_are_told(project: Path, server: Script) -> None:
    set_up(project, server.url, more='forms = ["tea", "coffee"]\n')
    the_one(look(project), "wrong", "no published form coffee", "central.forms")
    server.json("projects/7/forms", [])
    set_up(project, server.url)
    the_one(look(project), "warning", "no published form", "laktasi forms publish")
    mini.make_project(project)
    server.json("projects/7/forms", FORMS)
    assert set(states(look(project))) == {"ok"}
    server.json("projects/7/forms", [FORMS[0] | {"version": "2"}])
    the_one(look(project), "warning", "version '2' of tea", "it has 1", "xlsforms/")


def test_an_address_without_encryption_is_told_unless_it_is_this_machine(project: Path) -> None:
    set_up(project, "http://central.invalid")
    unencrypted, away = look(project)
    assert (unencrypted.state, away.state) == ("warning", "wrong")
    assert "can be read on the way" in unencrypted.sentence


def test_the_stand_in_for_central_is_looked_at_whole(project: Path) -> None:
    with Double() as double:
        admin = Acts(double.url, double.email, double.password)
        number = admin.make_project()
        admin.publish(convert_markdown(mini.FORM.replace("{extra}\n", "").replace("{version}", "1")).xform)
        set_up(project, double.url, password=double.password, email=double.email, number=number)
        sessions = len(double.state.sessions)
        found = looked(configuration.look_at_centrals, project)
        assert set(states(found)) == {"ok"}, json.dumps([one.sentence for one in found])
        assert len(double.state.sessions) == sessions
        admin.close()
