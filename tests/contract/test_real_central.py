"""The pull, against a real ODK Central: what the small server of test_central_pull.py claims, Central itself must do.

Needs a Central that may be written to (a project is made and archived), named by the environment:
LAKTASI_TEST_CENTRAL_URL, …_EMAIL and …_PASSWORD. docs/central.md says how to run one here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import requests
from pydantic import SecretStr

from laktasi import pipeline
from laktasi.settings import CentralSettings, Settings, read_settings
from tests import mini

URL, EMAIL, PASSWORD = (os.environ.get(f"LAKTASI_TEST_CENTRAL_{name}", "") for name in ("URL", "EMAIL", "PASSWORD"))
pytestmark = pytest.mark.skipif(
    not (URL and EMAIL and PASSWORD), reason="no Central at hand: set LAKTASI_TEST_CENTRAL_URL, …_EMAIL and …_PASSWORD"
)


class Central:
    """A project of its own on the server, spoken to as Collect and a manager's browser do."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.headers["X-OpenRosa-Version"] = "1.0"
        token = self.ask("post", "sessions", json={"email": EMAIL, "password": PASSWORD})["token"]
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.project = int(self.ask("post", "projects", json={"name": "laktasi contract test"})["id"])

    def ask(self, method: str, path: str, **given: Any) -> Any:
        answer = self.session.request(method, f"{URL.rstrip('/')}/v1/{path}", timeout=60, **given)
        answer.raise_for_status()
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.content

    def form(self, xform: bytes) -> None:
        path = f"projects/{self.project}/forms?publish=true&ignoreWarnings=true"
        self.ask("post", path, data=xform, headers={"Content-Type": "text/xml"})

    def submit(self, xml: str) -> None:
        files = {"xml_submission_file": ("submission.xml", xml.encode(), "text/xml")}
        self.ask("post", f"projects/{self.project}/submission", files=files)

    def edit(self, instance_id: str, xml: str) -> None:
        path = f"projects/{self.project}/forms/tea/submissions/{instance_id}"
        self.ask("put", path, data=xml.encode(), headers={"Content-Type": "text/xml"})


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    server = Central()
    xform = mini.make_project(tmp_path / "project") / "xlsforms" / "fielded" / "tea-1.xml"
    server.form(xform.read_bytes())
    yield server
    server.ask("delete", f"projects/{server.project}")


def settings_for(central: Central, tmp_path: Path, *phones: Path) -> Settings:
    source = CentralSettings(url=URL, project=central.project, form="tea", email=EMAIL, password=SecretStr(PASSWORD))
    return read_settings(tmp_path / "project", central=source, phones=phones)


def test_every_version_lands_once_exactly_as_it_was_sent(central: Central, tmp_path: Path) -> None:
    sent = {f"uuid:c-{number}": mini.xml(mini.person(number), f"uuid:c-{number}") for number in range(5)}
    for xml in sent.values():
        central.submit(xml)
    sent["uuid:c-edit"] = mini.xml(mini.person(1, age=44), "uuid:c-edit", deprecated_id="uuid:c-1")
    central.edit("uuid:c-1", sent["uuid:c-edit"])
    settings = settings_for(central, tmp_path)
    for _ in range(2):
        done = pipeline.walk(settings, pipeline.LANDING, door="import")
        assert done.unreached == {}
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        landed = con.execute("select instance_id, payload from raw.submissions").fetchall()
    assert {name: payload.decode() for name, payload in landed} == sent
    assert len(landed) == len(sent)


def test_the_same_submission_through_both_doors_is_one_row(central: Central, tmp_path: Path) -> None:
    phone = mini.fill_phone(tmp_path / "phone", 4)
    for number in range(2, 6):
        central.submit(mini.xml(mini.person(number), f"uuid:tea-{number:04d}"))
    settings = settings_for(central, tmp_path, phone)
    pipeline.walk(settings, (*pipeline.SOURCES, *pipeline.WORK), door="cli")
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        rows = con.execute("select _submission_id from staging.tea order by all").fetchall()
    assert [name for (name,) in rows] == [f"uuid:tea-{number:04d}" for number in range(6)]


def test_a_wrong_password_is_said_and_the_run_goes_on(central: Central, tmp_path: Path) -> None:
    settings = settings_for(central, tmp_path)
    assert settings.central is not None
    wrong = settings.model_copy(update={"central": settings.central.model_copy(update={"password": SecretStr("no")})})
    done = pipeline.walk(wrong, pipeline.LANDING, door="import")
    assert list(done.unreached) == ["central"]
