"""Which interviews are drawn to be repeated: the same for the same seed, and what is drawn stays drawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from laktasi.store.back_check_sample import draw, to_repeat, with_sample
from tests.back_checks_fixture import SECRET, House, house

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 10, 8, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as opened:
        yield opened


def interviews(home: House, numbers: range, **answers: str) -> None:
    for number in numbers:
        home.interview(f"K{number:03d}", **answers)


def drawn(home: House, *, share: float | None = None, seed: str | None = None, **sample: Any) -> set[str]:
    """Draw, and give the study codes of all that have been drawn and not repeated."""
    found = home.compare(sample={"share": 0.2, "seed": 1, **sample})
    draw(home.inner.con, with_sample(found, share=share, seed=seed), NOW)
    return {str(item.study_code) for item in to_repeat(home.inner.con, found)}


def forget(home: House) -> None:
    home.inner.con.execute("delete from quality.back_check_draws")


def test_the_same_seed_draws_the_same_and_another_one_others(home: House) -> None:
    interviews(home, range(40))
    first = drawn(home)
    assert len(first) == 8
    forget(home)
    assert drawn(home) == first
    forget(home)
    assert drawn(home, seed="other") != first


def test_drawing_again_adds_nothing(home: House) -> None:
    interviews(home, range(40))
    first = drawn(home)
    assert drawn(home) == first
    assert home.rows("select count(*) from quality.back_check_draws") == [(8,)]


def test_new_interviews_take_no_place_of_old_ones(home: House) -> None:
    interviews(home, range(40))
    first = drawn(home)
    interviews(home, range(40, 80))
    second = drawn(home)
    assert first < second
    assert len(second) == 16
    assert {code for code in second - first if code < "K040"} != second - first  # and new ones are drawn too


def test_which_are_drawn_does_not_hang_on_the_order_of_rows(home: House) -> None:
    interviews(home, range(20))
    drawn(home)
    first = home.rows("select submission_id from quality.back_check_draws order by 1")
    assert len(first) == 4
    forget(home)
    home.inner.con.execute("create table turned as from marts.interviews order by submission_id desc")
    home.inner.con.execute("delete from marts.interviews; insert into marts.interviews from turned; drop table turned")
    draw(home.inner.con, home.find(sample={"share": 0.2, "seed": 1}), NOW)
    assert home.rows("select submission_id from quality.back_check_draws order by 1") == first


def test_every_enumerator_has_at_least_so_many(home: House) -> None:
    interviews(home, range(30), who="P1")
    interviews(home, range(30, 35), who="P2")
    interviews(home, range(35, 36), who="P3")
    drawn(home, share=0.1, at_least=2)
    counts = home.rows(
        "select enumerator_code, count(*) from quality.back_check_draws"
        " inner join marts.interviews using (form_id, submission_id) group by all order by all"
    )
    assert counts == [("P1", 3), ("P2", 2), ("P3", 1)]


def test_another_share_can_be_asked_for(home: House) -> None:
    interviews(home, range(20))
    assert len(drawn(home, share=0.5)) == 10
    assert len(drawn(home, share=0.0)) == 10


def test_what_was_repeated_is_no_longer_listed_and_what_was_in_vain_is_replaced(home: House) -> None:
    interviews(home, range(20))
    first = drawn(home)
    assert len(first) == 4
    done, in_vain = sorted(first)[:2]
    home.back_check(done)
    home.back_check(in_vain, consent="no")
    second = drawn(home)
    assert second >= first - {done, in_vain}
    assert not second & {done, in_vain}
    assert len(second) == 3  # of four wanted one is done, and another takes the place of what was in vain
    assert home.rows("select count(*) from quality.back_check_draws") == [(5,)]
    home.back_check(in_vain)
    assert len(drawn(home)) == 3


def test_an_interview_that_is_there_twice_or_without_a_code_is_never_drawn(home: House) -> None:
    for _ in range(2):
        home.interview("K1")
    home.interview("")
    home.interview("K2", consent="no")
    home.interview("K3")
    assert drawn(home, share=1) == {"K3"}


def test_those_with_open_findings_come_first_where_declared(home: House) -> None:
    interviews(home, range(20))
    chance = drawn(home)
    forget(home)
    flagged = sorted({f"K{number:03d}" for number in range(20)} - chance)[:2]
    for code in flagged:
        number = int(code[1:]) + 1
        home.inner.con.execute(
            """
            insert into quality.finding_events by name
            select ? as finding_id, 'run' as run_id, 'opened' as event, now() as "at", 'talk' as form_id,
                ? as submission_id, '' as "row", 'some.rule' as rule_id
            """,
            [f"finding-{number}", f"uuid:talk-{number:04d}"],
        )
    assert drawn(home) == chance
    forget(home)
    assert drawn(home, flags_first=True) > set(flagged)
    reasons = dict(home.rows("select reason, count(*) from quality.back_check_draws group by all"))
    assert reasons == {"flag": 2, "chance": 2}


def test_contacts_are_read_only_when_asked_for(home: House) -> None:
    home.interview("K1")
    found = home.compare(sample={"share": 1, "seed": 1, "contacts": ["name", "phone"]})
    draw(home.inner.con, found, NOW)
    assert [item.contacts for item in to_repeat(home.inner.con, found)] == [()]
    assert [item.contacts for item in to_repeat(home.inner.con, found, with_contacts=True)] == [(SECRET, "81234567")]
    texts = str(home.rows("from quality.back_check_draws"))
    assert SECRET not in texts
