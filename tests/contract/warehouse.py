"""A small study whose source is a Central, and its warehouse, for tests of the whole way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from pydantic import SecretStr

from laktasi import pipeline
from laktasi.mirror import mirroring
from laktasi.paths import DataFolder
from laktasi.settings import CentralSettings, Settings, read_settings
from laktasi.store import runs
from laktasi.store.lines import Line
from laktasi.store.warehouse import open_warehouse
from tests import mini
from tests.central import Acts

FORM_ID = "tea"


def make_settings(acts: Acts, folder: Path, *phones: Path, password: str | None = None) -> Settings:
    """Make a project folder whose source is the project that `acts` works in, read by the same person."""
    source = CentralSettings(
        url=acts.url,
        project=acts.project,
        forms=(FORM_ID,),
        email=acts.email,
        password=SecretStr(password or acts.password),
    )
    return read_settings(folder / "project", data=folder / "data", central={"central": source}, phones=phones)


def make_template(folder: Path) -> Path:
    """Make the project, and an empty warehouse: once, for all tests to copy."""
    mini.make_project(folder / "project", extra="| | image | photo | Foto | Photo | | | | none |")
    with open_warehouse(DataFolder(folder / "data")):
        pass
    return folder


def publish(acts: Acts, template: Path, folder: Path) -> None:
    """Copy the project and its warehouse, and publish its questionnaire."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    acts.publish((folder / "project" / "xlsforms" / "fielded" / "tea-1.xml").read_bytes())


def xml(number: int, instance_id: str, *, deprecated_id: str | None = None, **changed: object) -> str:
    """Write what a phone would send of one sample person."""
    return mini.xml(mini.person(number, **changed), instance_id, deprecated_id=deprecated_id)


def true_line(number: int) -> str:
    """Write the line that says that all is here."""
    return f"server {number}, warehouse {number}, refused 0, missing 0, extra 0"


@dataclass
class Mirrored:
    """A warehouse that is open, and the Central that it mirrors."""

    settings: Settings
    con: duckdb.DuckDBPyConnection
    told: dict[str, Any] = field(default_factory=dict)
    """Counts of what the last pull landed."""

    def pull(self, *, thorough: bool = False) -> list[Line]:
        """Pull and prove, as a run does; a server that breaks off is an error."""
        self.told = {}
        run_id = runs.begin(self.con, "import", laktasi_version="0", code_version=None)
        (central,) = self.settings.central.values()
        folder = self.settings.data_folder
        with mirroring(self.con, folder, central, run_id, lambda *_: None, self.told) as mirror:
            mirror.pull()
            return mirror.reconcile(thorough=thorough)

    def line(self, *, thorough: bool = False) -> str:
        """Pull, and give the form's line."""
        (line,) = (line for line in self.pull(thorough=thorough) if line.form_id == FORM_ID)
        return (
            f"server {line.server}, warehouse {line.warehouse}, refused {line.refused}, missing {line.missing}, "
            f"extra {line.extra}"
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.con.execute(sql).fetchall()

    def payloads(self) -> dict[str, str]:
        """Give what landed, by instanceID; the same version twice is an error.

        Of one that was purged and sent again under the same id, what was sent last.
        """
        rows = self.rows("select instance_id, changed_at, payload from raw.submissions order by changed_at")
        assert len(rows) == len({(name, time) for name, time, _ in rows})
        return {name: payload.decode() for name, _, payload in rows}

    def states(self) -> dict[str, str]:
        """Give where each submission stands: its current version, ``deleted`` or ``purged``."""
        sql = """
            select submission_id, case when is_purged then 'purged' when deleted_at is not null then 'deleted'
            else instance_id end from raw.latest_submission_states
            """
        return dict(self.rows(sql))

    def files(self) -> dict[tuple[str, str], bytes | None]:
        """Give the content of files by instanceID and name; None where there is none any more."""
        latest = self.rows(
            """
            select instance_id, name, sha256 from raw.attachments
            qualify row_number() over (partition by instance_id, name order by landed_at desc) = 1
            """
        )
        kept = {path.name: path for path in self.settings.data_folder.attachments.rglob("*") if path.is_file()}
        content = {sha: next(kept[name] for name in kept if name.startswith(sha)) for _, _, sha in latest if sha}
        return {(instance, name): sha and content[sha].read_bytes() for instance, name, sha in latest}


@contextmanager
def mirrored(settings: Settings) -> Iterator[Mirrored]:
    """Open the warehouse, with the project's own questionnaires in it."""
    with open_warehouse(settings.data_folder) as con:
        yield Mirrored(settings, con)


@dataclass(frozen=True)
class Walked:
    """A project whose runs are whole ones, and its warehouse between them."""

    settings: Settings

    def land(self) -> pipeline.Run:
        return pipeline.walk(self.settings, pipeline.LANDING, door="import")

    def stand(self) -> pipeline.Run:
        """Land, and set up the typed tables."""
        return pipeline.walk(
            self.settings, (*pipeline.SOURCES, pipeline.READ, pipeline.STAND, pipeline.CLOSE), door="cli"
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.data_folder.warehouse), read_only=True) as con:
            return con.execute(sql).fetchall()
