"""A small study with a past: two runs, weeks apart by what they wrote down, and all kinds of changes between them.

A plugin of pytest: `past` is one for all tests that only read, `own` is a copy for a test that spoils it. Both were
made without Great Expectations, and a run that goes on from them needs `unchecked`; `history(checked=True)` has checks.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest

from laktasi import pipeline, quality
from laktasi.secret import key_of, keyed
from laktasi.settings import Settings, read_settings
from laktasi.store.as_of import sources
from laktasi.store.manifests import read_manifest, write_manifest
from tests import mini

FIRST = datetime(2026, 2, 1, 9, tzinfo=UTC)
"""When all of the first run landed."""
SECOND = datetime(2026, 3, 10, 9, tzinfo=UTC)

EARLY = """
decisions:
  - {id: a, action: replace, form: tea, submission: 'uuid:tea-0001', question: cups, expected: few, value: many,
     reason: r, reporter: Ani, date: 2026-02-01}
  - {id: b, action: okay, form: tea, submission: 'uuid:bad', rule: age.constraint, question: age, expected: 7,
     until: 2026-02-20, reason: r, reporter: Ani, date: 2026-02-01}
  - {id: c, action: replace, form: tea, submission: 'uuid:tea-0005', question: name, expected: 'HASH', value: Ani,
     reason: r, reporter: Ani, date: 2026-02-01}
"""
LATE = """
decisions:
  - {id: d, action: replace, form: tea, submission: 'uuid:tea-0002', question: cups, expected: few, value: some,
     reason: r, reporter: Ani, date: 2026-03-10}
  - {id: e, action: withdraw, withdraws: a, reason: r, reporter: Ani, date: 2026-03-10}
"""


def history(root: Path, *, checked: bool = False) -> Settings:
    """Give the settings of a copy of it. After the first run: new, edited and deleted records, and decisions."""
    shutil.copytree(_made(checked), root, dirs_exist_ok=True)
    return settings_in(root)


def settings_in(root: Path) -> Settings:
    """Give the settings of a copy that lies in a folder."""
    return read_settings(root / "project", phones=(root / "phone",))


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The history, to be read by all tests and changed by none; a folder in as-of/ may come to it."""
    return history(tmp_path_factory.mktemp("past"))


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """A copy of the history that a test may spoil."""
    return history(tmp_path / "own")


@contextmanager
def checking_nothing() -> Iterator[None]:
    """Let runs check nothing: that takes most of their time, and has tests of its own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(quality, "check", lambda *_, **__: quality.CheckSummary(0, 0, 0, 0, 0, 0, 0, 0, ()))
        yield


@pytest.fixture
def unchecked() -> Iterator[None]:
    """See `checking_nothing`."""
    with checking_nothing():
        yield


def put(phone: Path, name: str, number: int, *, deprecated_id: str | None = None, **changed: object) -> None:
    """Put a submission into the phone's folder, as `mini.put`, of a day before the first run."""
    person = mini.person(number, today="2026-01-20", **changed)
    mini.put(phone, name, mini.xml(person, f"uuid:{name}", deprecated_id=deprecated_id))


@cache
def _made(checked: bool) -> Path:
    with nullcontext() if checked else checking_nothing():
        return _make()


def _make() -> Path:
    _kept.append(TemporaryDirectory(prefix="history-"))
    root = Path(_kept[-1].name)
    phone = root / "phone"
    for number in range(12):
        put(phone, f"tea-{number:04d}", number)
    put(phone, "bad", 12, age=7)
    settings = read_settings(mini.make_project(root / "project"), phones=(phone,))
    corrections = settings.folders.corrections
    corrections.mkdir()
    expected = keyed(key_of(settings.data_folder), "tea", "name", mini.SECRET)
    corrections.joinpath("early.yml").write_text(EARLY.replace("HASH", expected), encoding="utf-8")
    begun = datetime.now(UTC)
    steps = (*pipeline.SOURCES, *pipeline.WORK, pipeline.GATE, pipeline.CLOSE)  # what it published is gone by now
    pipeline.walk(settings, steps, door="cli", day=FIRST.date())
    _date_back(settings, begun, FIRST)
    put(phone, "new", 20)
    put(phone, "twice", 6, house="h2")
    put(phone, "edit", 3, deprecated_id="uuid:tea-0003", cups="many")
    begun = datetime.now(UTC)
    corrections.joinpath("late.yml").write_text(LATE, encoding="utf-8")
    pipeline.walk(settings, (pipeline.PHONES,), door="import")
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        con.execute(
            """
            insert into raw.submission_states by name
            select form_id, instance_id as submission_id, instance_id, 0 as edits, landed_at as submitted_at,
                now() as deleted_at, false as is_purged, 0 as attachments_present, 0 as attachments_expected,
                'central:x/1' as source, now() as landed_at, run_id
            from raw.submissions where instance_id = 'uuid:tea-0004'
            """
        )
    pipeline.walk(settings, pipeline.ANALYSING, door="cli", day=SECOND.date())
    _date_back(settings, begun, SECOND)
    return root


_kept: list[TemporaryDirectory[str]] = []


def _date_back(settings: Settings, begun: datetime, moment: datetime) -> None:
    """Let what landed since `begun` have landed in the seconds after a moment, in its order; its manifest says so."""
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        con.execute("set TimeZone = 'UTC'")
        for (schema, table), came in sources(con).items():
            con.execute(
                f'update {schema}."{table}" set {came} = $moment + ({came} - $begun) where {came} > $begun',
                {"moment": moment, "begun": begun},
            )
    newest = manifests(settings)[-1]
    manifest = read_manifest(newest)
    landed = datetime.fromisoformat(manifest["known"]["until"])
    manifest["known"]["until"] = (moment + (landed - begun)).isoformat(timespec="microseconds")
    write_manifest(newest.parent, manifest)


def manifests(settings: Settings) -> list[Path]:
    """Give the manifests of a data folder, oldest first."""
    return sorted(settings.data_folder.manifests.glob("*.json"))
