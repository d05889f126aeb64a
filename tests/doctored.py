"""A project to be looked at by the doctor, with nothing wrong until a test makes it so."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from laktasi.doctor import Finding, Patient
from laktasi.doctor.patient import Look, admit


def looked(look: Look, project: Path, *, now: datetime | None = None, data: Path | None = None) -> list[Finding]:
    """Let the doctor look at one thing of a project."""
    patient = admit(project, data)
    if now is not None:
        patient = Patient(patient.project, patient.folder, patient.settings, patient.trouble, now)
    return list(look(patient))


def states(found: list[Finding]) -> list[str]:
    return [finding.state for finding in found]


def the_one(found: list[Finding], state: str, *said: str) -> Finding:
    """Give the only finding that is not ok: it is of this state, says this, and has a next step."""
    (finding,) = [one for one in found if one.state != "ok"]
    assert finding.state == state, finding
    assert [words for words in said if words not in finding.sentence + finding.next_step] == [], finding
    assert finding.next_step
    return finding


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty project in a home of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYODK_CONFIG_FILE", str(tmp_path / "pyodk_config.toml"))
    for name in [name for name in os.environ if name.startswith(("LAKTASI_", "PREFECT_")) and "TEST" not in name]:
        monkeypatch.delenv(name)
    root = tmp_path / "study"
    root.mkdir()
    return root
