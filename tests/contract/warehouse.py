"""A small study whose source is a Central, and its warehouse, for tests of the whole way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from pydantic import SecretStr

from laktasi import pipeline
from laktasi.settings import CentralSettings, Settings, read_settings
from tests import mini
from tests.central import Acts

FORM_ID = "tea"


@dataclass(frozen=True)
class Study:
    """A project folder, the account that pulls, and where it lands."""

    settings: Settings

    def pull(self) -> pipeline.Run:
        """Land what is new, and prove it."""
        return pipeline.walk(self.settings, pipeline.LANDING, door="import")

    def stand(self) -> pipeline.Run:
        """Land, and set up the tables."""
        return pipeline.walk(self.settings, (*pipeline.SOURCES, *pipeline.WORK[:2], pipeline.CLOSE), door="cli")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.data_folder.warehouse), read_only=True) as con:
            return con.execute(sql).fetchall()

    def line(self) -> dict[str, int]:
        """Give the newest line of the form: what the server has and what is here."""
        names = ("server", "warehouse", "refused", "missing", "extra")
        sql = f"select {', '.join(names)} from meta.reconciliations where form_id = '{FORM_ID}' order by started_at"
        return dict(zip(names, self.rows(sql)[-1], strict=True))

    def states(self) -> dict[str, str]:
        return dict(self.rows("select submission_id, state from staging.submissions"))

    def files(self) -> dict[tuple[str, str], bytes | None]:
        """Give the content of the files that are current, by instanceID and name; None where there is none any more."""
        latest = self.rows(
            """
            select instance_id, name, sha256 from raw.attachments
            qualify row_number() over (partition by instance_id, name order by landed_at desc) = 1
            """
        )
        found = {path.name: path for path in self.settings.data_folder.attachments.rglob("*") if path.is_file()}
        return {(instance, name): sha and _content(found, sha) for instance, name, sha in latest}


def _content(found: dict[str, Path], sha256: str) -> bytes:
    return next(path for name, path in found.items() if name.startswith(sha256)).read_bytes()


def make_study(acts: Acts, folder: Path, *phones: Path, password: str | None = None) -> Study:
    """Make a project folder whose source is the project that `acts` works in, read by the same person."""
    source = CentralSettings(
        url=acts.url,
        project=acts.project,
        forms=(FORM_ID,),
        email=acts.email,
        password=SecretStr(password or acts.password),
    )
    if not (folder / "project").exists():
        mini.make_project(folder / "project", extra="| | image | photo | Foto | Photo | | | | none |")
    return Study(read_settings(folder / "project", data=folder / "data", central={"central": source}, phones=phones))


def publish(acts: Acts, folder: Path) -> None:
    """Publish the study's form."""
    acts.publish((folder / "project" / "xlsforms" / "fielded" / "tea-1.xml").read_bytes())


def xml(number: int, instance_id: str, *, deprecated_id: str | None = None, **changed: object) -> str:
    """Write what a phone would send of one sample person."""
    return mini.xml(mini.person(number, **changed), instance_id, deprecated_id=deprecated_id)
