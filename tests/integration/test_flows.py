"""The Prefect flow walks the same way, on a server of its own, offline; and leaves what a manager reads."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from click.testing import CliRunner

from laktasi import pipeline
from laktasi.cli import main
from laktasi.cli.run import _check_server
from laktasi.paths import FLOWS, HOUSE
from tests import mini

CODE = """
from laktasi.cli.run import _walk
from laktasi.settings import read_settings
import sys
from pathlib import Path
_walk(read_settings(Path(sys.argv[1]), phones=(Path(sys.argv[2]),)), no_prefect=False)
"""


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    root = tmp_path_factory.mktemp("flown")
    project = mini.make_project(root / "project")
    phone = mini.fill_phone(root / "phone", 12)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(project), str(phone)],
        capture_output=True,
        text=True,
        env=kept,
        cwd=root,
        timeout=600,
        check=False,
    )
    return project / "data", done


def test_the_flow_ends_with_a_report_and_results(flown: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    data, done = flown
    assert done.returncode == 0, done.stderr
    assert f"Report: {data / 'report' / 'index.html'}" in done.stdout
    assert "tau_b = " in done.stdout
    with duckdb.connect(str(data / "research.duckdb"), read_only=True) as con:
        assert con.execute("select door, status, staged from meta.runs").fetchall() == [("prefect", "finished", 12)]


def test_its_home_holds_artifacts_and_no_name(flown: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    data, done = flown
    home = data / "prefect"
    with sqlite3.connect(home / "prefect.db") as con:
        keys = {key for (key,) in con.execute("select key from artifact where key is not null")}
        states = con.execute("select state_type from flow_run").fetchall()
        read = con.execute("select data from artifact where key = 'read'").fetchone()
    assert {"run", "read", "arrivals", "findings", "tau-b"} <= keys
    for name in ("index.html", "checks.html", "findings.csv"):
        assert (data / "report" / name).as_uri() in read[0]
    assert states == [("COMPLETED",)]
    secret = mini.SECRET.encode()
    assert not [path for path in home.rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert mini.SECRET not in done.stdout + done.stderr
    assert data.stat().st_mode & 0o077 == home.stat().st_mode & 0o077 == 0


def test_a_server_that_does_not_answer_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://ani:correct-horse@127.0.0.1:9/api")
    project = mini.make_project(tmp_path / "project")
    done = CliRunner().invoke(main, ["run", "--project", str(project)])
    assert done.exit_code == 1
    assert "the Prefect server at 127.0.0.1 does not answer" in done.output
    assert "correct-horse" not in done.output
    assert "--no-prefect" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("address", ["http://ani:correct-horse@127.0.0.1/api", "http://ani:correct-horse@[::1/api"])
def test_no_password_is_told_of_an_address_that_means_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", address)
    done = CliRunner().invoke(main, ["run", "--project", str(mini.make_project(tmp_path / "project"))])
    assert done.exit_code == 1
    assert "does not answer" in done.output
    assert "correct-horse" not in done.output


def test_a_server_is_asked_by_the_account_of_its_address() -> None:
    asked: list[str | None] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for account in ("ani:pass%20word@", ""):
            _check_server(f"http://{account}127.0.0.1:{server.server_port}/api")
        server.shutdown()
    assert asked == [f"Basic {b64encode(b'ani:pass word').decode()}", None]


def test_a_data_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for way in ([], ["--no-prefect"]):
        project = mini.make_project(tmp_path / "project")
        done = CliRunner().invoke(
            main, ["run", *way, "--project", str(project), "--data", str(tmp_path / "file" / "x")]
        )
        assert done.exit_code == 5
        assert "cannot be made" in done.output


def test_the_person_who_waits_sees_each_step(flown: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    shown = flown[1].stderr
    assert [step.name for step in pipeline.WAY if f"… {step.name}" not in shown] == []


def test_every_deployment_names_a_flow_that_exists() -> None:
    declared: dict[str, Any] = yaml.safe_load((HOUSE / "prefect.yaml").read_text(encoding="utf-8"))
    for deployment in declared["deployments"]:
        path, flow = deployment["entrypoint"].split(":")
        assert f"def {flow}(" in (HOUSE / path).read_text(encoding="utf-8")
        assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


def test_no_flow_file_is_named_like_a_module() -> None:
    # The folder of a flow file comes first on sys.path: a file called like a module would hide it.
    known = sys.stdlib_module_names | {"laktasi", "prefect", "pandas", "duckdb", "pipeline", "report", "odk"}
    assert not {path.stem for path in FLOWS.glob("*.py")} & known


def test_the_parts_of_the_way_are_in_its_order() -> None:
    order = [step.name for step in pipeline.WAY]
    for part in (pipeline.LANDING, pipeline.ANALYSING):
        names = [step.name for step in part]
        assert names == sorted(names, key=order.index)
