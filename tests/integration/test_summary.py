"""What runs tell: what came in, and which sources were left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from click.testing import CliRunner
from filelock import FileLock

from laktasi.cli.read import status
from laktasi.settings import Settings, read_settings
from laktasi.store import runs
from laktasi.store.warehouse import open_warehouse
from laktasi.summary import landed_lines, left_sources


def test_what_has_entity_lists_only_is_told_by_its_lines() -> None:
    line: dict[str, Any] = {"source": "central:odk.example.org/1", "form_id": "mothers", "server": 2, "warehouse": 2}
    line |= {"missing": 0, "extra": 0, "refused": 0, "note": None}
    told: dict[str, dict[str, Any]] = {"phones": {}, "central": {"entities": 2}, "reconcile": {"lines": [line]}}
    assert list(landed_lines(told, {})) == [
        "central:odk.example.org/1 mothers: server 2, warehouse 2, missing 0, extra 0",
    ]


def settings_with(tmp_path: Path, *urls: str) -> Settings:
    central = {f"c{number}": {"url": url, "project": 1} for number, url in enumerate(urls)}
    return read_settings(tmp_path, central=central)


def test_a_source_that_left_the_settings_is_told_with_what_it_left(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, "https://new.example.org")
    assert left_sources(settings) == []
    with open_warehouse(settings.data_folder) as con:
        run_id = runs.begin(con, "cli")
        for source, submission, deleted_at, is_purged in (
            ("central:10.0.0.5:8383/1", "a", None, False),
            ("central:10.0.0.5:8383/1", "b", None, False),
            ("central:10.0.0.5:8383/1", "c", "2026-01-02", False),
            ("central:10.0.0.5:8383/1", "d", None, True),
            ("central:new.example.org/1", "a", None, False),
            ("central:empty.example.org/1", "e", "2026-01-02", False),
        ):
            con.execute(
                """
                insert into raw.submission_states by name
                select 'visit' as form_id, ? as submission_id, 0 as edits, now() as submitted_at, ? as deleted_at,
                    ? as is_purged, 0 as attachments_present, 0 as attachments_expected, ? as source,
                    now() as landed_at, ? as run_id
                """,
                [submission, deleted_at, is_purged, source, run_id],
            )
        runs.fail(con, run_id)
    [told] = left_sources(settings)
    assert told.startswith("central:10.0.0.5:8383/1 is no longer in laktasi.toml: 2 live submissions are kept")
    assert left_sources(settings_with(tmp_path, "https://new.example.org", "http://10.0.0.5:8383")) == []
    (tmp_path / "laktasi.toml").write_text('[central]\nurl = "https://new.example.org"\nproject = 1\n')
    shown = CliRunner().invoke(status, ["--project", str(tmp_path)], catch_exceptions=False)
    assert told in shown.stderr
    with FileLock(settings.data_folder.lock):
        assert left_sources(settings) == []
