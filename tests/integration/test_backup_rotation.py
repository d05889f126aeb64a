"""Which backups stay beside a new one: told by their listings alone, so that no study needs to have run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from laktasi.backing_up import rotating, shape
from laktasi.backing_up.shape import Listing, Written

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, 5, tzinfo=UTC)
NOTHING = Written(0, "0" * 64)


def listing(made_at: datetime, warehouse: str = "first") -> Listing:
    files = {shape.CONTENTS: NOTHING, shape.WAREHOUSE: NOTHING}
    return Listing("survey", warehouse, made_at.isoformat(), {}, False, {}, None, files)


def begun(stick: Path, made_at: datetime, warehouse: str = "first") -> str:
    """Lay a backup there of which only the listing can be read."""
    path = stick / shape.name_of("survey", made_at)
    path.mkdir()
    (path / shape.LISTING).write_text(shape.listing_text(listing(made_at, warehouse)), encoding="utf-8")
    return path.name


def left(stick: Path) -> set[str]:
    return {path.name for path in stick.iterdir()}


def middle_of(months_ago: int) -> datetime:
    """Give the 15th of a month before this one."""
    month = NOW.year * 12 + NOW.month - 1 - months_ago
    return datetime(month // 12, month % 12 + 1, 15, tzinfo=UTC)


def test_the_newest_stay_and_one_of_each_of_twelve_months(tmp_path: Path) -> None:
    days = [begun(tmp_path, NOW - timedelta(days=day)) for day in range(4)]
    months = [begun(tmp_path, middle_of(ago)) for ago in range(1, 15)]
    earlier = [begun(tmp_path, middle_of(ago) - timedelta(days=1)) for ago in range(1, 15)]
    removed, kept = rotating.rotate(tmp_path, listing(NOW), 3, [])
    assert left(tmp_path) == {*days[:3], *months[:11]}
    assert set(removed) == {days[3], *months[11:], *earlier}
    assert kept == 14


def test_a_clock_that_was_years_ahead_once_takes_one_month_and_not_all(tmp_path: Path) -> None:
    months = [begun(tmp_path, middle_of(ago)) for ago in range(1, 15)]
    newest = begun(tmp_path, NOW)
    ahead = begun(tmp_path, NOW.replace(year=2036))
    rotating.rotate(tmp_path, listing(NOW.replace(year=2036)), 1, [])
    assert left(tmp_path) == {ahead, newest, *months[:10]}


def test_a_clock_set_back_removes_neither_the_newest_nor_the_one_just_made(tmp_path: Path) -> None:
    ahead = begun(tmp_path, NOW + timedelta(days=30))
    made = begun(tmp_path, NOW)
    rotating.rotate(tmp_path, listing(NOW), 1, [])
    assert left(tmp_path) == {ahead, made}


def test_months_without_a_backup_count_for_nothing(tmp_path: Path) -> None:
    old = begun(tmp_path, NOW.replace(year=2019))
    made = begun(tmp_path, NOW)
    rotating.rotate(tmp_path, listing(NOW), 1, [])
    assert left(tmp_path) == {old, made}


def test_backups_of_before_somebody_left_do_not_stay_for_their_month(tmp_path: Path) -> None:
    older, made = begun(tmp_path, middle_of(2)), begun(tmp_path, NOW)
    notes: list[str] = []
    assert rotating.rotate(tmp_path, listing(NOW), 1, notes) == ((), 2)
    gone_since = (NOW - timedelta(days=1)).isoformat()
    assert rotating.rotate(tmp_path, listing(NOW), 2, notes, forgotten_at=gone_since) == ((), 2)
    assert "1 older backups still hold answers" in notes[0]
    assert rotating.rotate(tmp_path, listing(NOW), 1, notes, forgotten_at=gone_since) == ((older,), 1)
    assert left(tmp_path) == {made}


@pytest.mark.parametrize("name", ["laktasi-survey", "laktasi-survey-2026", "photos", "laktasi-other-20200101T000000Z"])
def test_what_is_not_ours_is_never_removed(tmp_path: Path, name: str) -> None:
    noted, foreign, torn, older = (
        begun(tmp_path, NOW - timedelta(days=days), "another" if days == 2 else "first") for days in (1, 2, 3, 4)
    )
    made = begun(tmp_path, NOW)
    (tmp_path / noted / "note.txt").write_text("the round before Christmas", encoding="utf-8")
    (tmp_path / torn / shape.LISTING).write_text("{", encoding="utf-8")
    (tmp_path / name).mkdir()
    notes: list[str] = []
    removed, _ = rotating.rotate(tmp_path, listing(NOW), 1, notes)
    assert removed == (older,)
    assert left(tmp_path) == {made, noted, foreign, torn, name}
    assert any("note.txt in it is not of the backup" in note for note in notes)
    assert any("not counted as a backup" in note for note in notes)
