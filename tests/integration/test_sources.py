"""The same submission through several doors: one row, its differences findings, and deleted where Central says so."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from laktasi import quality
from laktasi.paths import DataFolder
from laktasi.quality.validate import Validation, failing_table
from laktasi.records import Status, Submission
from laktasi.store.sql import migrations
from laktasi.store.submissions import resolve
from laktasi.store.warehouse import open_warehouse
from tests.warehouse_fixture import FORM, Warehouse, form, submission, warehouse

pytestmark = pytest.mark.slow

HERE = "central:odk.example.org/1"
THERE = "central:other.example.org/7"


@pytest.fixture(autouse=True)
def without_suites(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the form itself asks has tests of its own, and takes seconds."""
    nothing = Validation(failing_table(FORM, "", "", [], []), ())
    monkeypatch.setattr("laktasi.quality.checking.engine_on", lambda *_: nullcontext())
    monkeypatch.setattr("laktasi.quality.checking.validate", lambda *_: nothing)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse(tmp_path, form()) as opened:
        yield opened


def at(minute: int) -> datetime:
    return datetime(2026, 11, 20, 8, minute, tzinfo=UTC)


def central(instance: str, weight: str = "1", *, source: str = HERE, deprecated: str | None = None) -> Submission:
    return replace(submission(instance, {"weight": weight}, deprecated=deprecated), source=source)


def phone(
    instance: str, weight: str = "1", *, deprecated: str | None = None, status: Status = Status.FINALISED
) -> Submission:
    return submission(instance, {"weight": weight}, deprecated=deprecated, status=status)


def says(
    house: Warehouse,
    submission_id: str,
    minute: int = 10,
    *,
    instance: str | None = None,
    source: str = HERE,
    submitted: int = 1,
    deleted: bool = False,
    purged: bool = False,
    review: str | None = None,
    device: str | None = None,
    of: str = FORM,
) -> None:
    """Let a Central say something of a submission; `minute` is when it was last changed there."""
    house.con.execute(
        """
        insert into raw.submission_states by name
        select $form as form_id, $id as submission_id, $instance as instance_id, 0 as edits, $submitted as submitted_at,
            $updated as updated_at, $deleted as deleted_at, $purged as is_purged, $review as review_state,
            0 as attachments_present, 0 as attachments_expected, 'Phone ' || $source as submitter_name,
            $device as device_id, $source as source, now() + to_seconds((select count(*) from raw.submission_states))
            as landed_at, 'r' as run_id
        """,
        {
            "form": of,
            "id": submission_id,
            "instance": instance or submission_id,
            "submitted": at(submitted),
            "updated": at(minute),
            "deleted": at(minute) if deleted else None,
            "purged": purged,
            "review": review,
            "device": device,
            "source": source,
        },
    )


def listed(house: Warehouse, submission_id: str, *instances: str, source: str = HERE, minute: int = 1) -> None:
    """Let a Central name the versions of a submission."""
    for instance in instances:
        house.con.execute(
            """
            insert into raw.submission_versions by name
            select ? as form_id, ? as submission_id, ? as instance_id, ? as created_at, ? as source, now() as landed_at,
                'r' as run_id
            """,
            [FORM, submission_id, instance, at(minute), source],
        )


def current(house: Warehouse) -> list[tuple[object, ...]]:
    house.stand()
    return house.rows("select submission_id, instance_id, state from staging.submissions order by all")


def failing(house: Warehouse) -> list[tuple[str, ...]]:
    house.stand()
    quality.check(house.con, house.run_id, house.questionnaires, [])
    return house.rows(
        "select submission_id, rule_id, severity from quality.findings where kind = 'source' and is_open order by all"
    )


# --- one row ---------------------------------------------------------------------------------------------------------


def test_what_central_says_stands_beside_the_answers(house: Warehouse) -> None:
    house.take(central("a"), central("a", source=THERE), phone("p"))
    says(house, "a", 20, submitted=5, review="approved", device="collect:1")
    says(house, "a", 15, submitted=2, review="hasIssues", device="collect:2", source=THERE)
    assert resolve(house.con, house.questionnaires) == {
        "staged": 2,
        "drafts": 0,
        "waiting": 0,
        "deleted": 0,
        "dropped": 0,
    }
    assert house.rows(
        "select submission_id, received_at, device_id, submitter_name, review_state from staging.submissions order by 1"
    ) == [
        ("a", at(2), "collect:1", f"Phone {HERE}", "approved"),
        ("p", None, None, None, None),
    ]
    says(house, "a", 25, submitted=5, deleted=True)
    house.stand()
    assert house.rows(
        "select received_at, device_id, review_state, state from staging.submissions where submission_id = 'a'"
    ) == [(at(2), "collect:2", "hasIssues", "staged")]


def test_deleted_on_central_is_deleted_whatever_phones_have(house: Warehouse) -> None:
    house.take(central("a"), phone("a"), phone("b", "2", deprecated="a"), central("c"))
    says(house, "a", instance="a")
    says(house, "c")
    assert current(house) == [("a", "b", "staged"), ("c", "c", "staged")]
    says(house, "a", deleted=True)
    assert current(house) == [("a", "b", "deleted"), ("c", "c", "staged")]
    assert house.rows("select _submission_id from staging.visit") == [("c",)]
    assert house.rows("select _submission_id from answers.visit") == [("c",)]
    house.marts()
    assert house.rows("select submission_id from marts.submissions") == [("c",)]
    says(house, "a", deleted=True, purged=True)
    assert current(house)[0] == ("a", "b", "deleted")
    house.take(phone("d", "4", deprecated="b"))
    assert resolve(house.con, house.questionnaires) == {
        "staged": 1,
        "drafts": 0,
        "waiting": 0,
        "deleted": 1,
        "dropped": 0,
    }
    # restored
    says(house, "a", instance="a")
    assert current(house)[0] == ("a", "d", "staged")
    assert house.rows("select weight from staging.visit order by 1") == [(1.0,), (4.0,)]


def test_one_central_that_still_has_it_keeps_it(house: Warehouse) -> None:
    house.take(central("a"), central("a", source=THERE))
    says(house, "a", deleted=True)
    says(house, "a", source=THERE)
    assert current(house) == [("a", "a", "staged")]
    says(house, "a", source=THERE, purged=True)
    assert current(house) == [("a", "a", "deleted")]


def test_a_deleted_draft_or_waiting_one_is_deleted(house: Warehouse) -> None:
    house.take(phone("a", status=Status.DRAFT), replace(central("w"), form_version="9"))
    says(house, "a", deleted=True)
    says(house, "w", deleted=True)
    assert current(house) == [("a", "a", "deleted"), ("w", "w", "deleted")]


def test_of_one_instance_central_stands_whatever_lands_last(house: Warehouse) -> None:
    for number, order in enumerate(itertools.permutations(("phone", "unknown", "central"))):
        name = f"u{number}"
        made = {
            "phone": replace(phone(name, "2"), changed_at=at(59)),
            "unknown": phone(name, "3", status=Status.UNKNOWN),
            "central": replace(central(name, "1"), changed_at=at(1)),
        }
        house.take(*(made[door] for door in order))
    assert house.rows("select distinct weight from staging.visit") == [(1.0,)]


def test_the_identity_is_what_central_calls_it(house: Warehouse) -> None:
    # the edit between never landed (it was refused): only Central knows that the chain goes on to a
    house.take(central("a"), central("c", deprecated="b"), phone("d", deprecated="c"), phone("b2", deprecated="b"))
    assert [row[0] for row in current(house)] == ["a", "b"]
    listed(house, "a", "a", "b", "c")
    assert current(house) == [("a", "d", "staged")]
    says(house, "a", instance="c")
    assert current(house) == [("a", "d", "staged")]
    assert house.rows("select version_count from staging.submissions") == [(4,)]


def test_a_phone_that_only_has_the_edit_joins(house: Warehouse) -> None:
    house.take(central("a"))
    says(house, "a")
    house.take(phone("b", "2", deprecated="a"))
    assert current(house) == [("a", "b", "staged")]


def test_an_older_version_of_a_phone_joins_what_central_begins_with(house: Warehouse) -> None:
    # sent past Collect: Central took an edit as a new submission
    house.take(central("z", deprecated="y"), phone("y"))
    says(house, "z")
    assert current(house) == [("z", "z", "staged")]


def test_what_central_says_an_edit_replaces_counts(house: Warehouse) -> None:
    house.take(phone("c", "2", deprecated="a"), central("c", deprecated="b"))
    assert [row[0] for row in current(house)] == ["b"]


def test_where_it_was_deleted_does_not_say_what_is_current(house: Warehouse) -> None:
    house.take(central("a"), replace(central("y", "1", deprecated="a", source=THERE), changed_at=at(1)))
    house.take(replace(central("x", "2", deprecated="a"), changed_at=at(2)))
    says(house, "a", instance="x")
    says(house, "a", instance="y", source=THERE)
    assert current(house) == [("a", "x", "staged")]
    says(house, "a", instance="x", deleted=True)
    assert current(house) == [("a", "y", "staged")]


def test_two_rows_on_central_are_two_whatever_they_name(house: Warehouse) -> None:
    house.take(central("z", deprecated="y"), central("y"))
    says(house, "z")
    says(house, "y")
    assert current(house) == [("y", "y", "staged"), ("z", "z", "staged")]


@pytest.mark.parametrize(("root", "edit"), [("b", "a"), ("a", "b")])
def test_what_two_centrals_call_differently_is_one(house: Warehouse, root: str, edit: str) -> None:
    house.take(central(root), central(edit, "2", deprecated=root), central(edit, "2", deprecated=root, source=THERE))
    listed(house, root, root, edit)
    listed(house, edit, edit, source=THERE)
    says(house, root, instance=edit)
    says(house, edit, source=THERE)
    assert current(house) == [(root, edit, "staged")]
    # edited there too: only that server has the last version
    house.take(central("0", "3", deprecated=edit, source=THERE))
    listed(house, edit, "0", source=THERE)
    says(house, edit, instance="0", source=THERE)
    assert current(house) == [(root, "0", "staged")]
    # gone from one, and then from both
    says(house, root, instance=edit, deleted=True)
    assert current(house) == [(root, "0", "staged")]
    says(house, edit, instance="0", source=THERE, deleted=True)
    assert current(house) == [(root, "0", "deleted")]


def test_a_chain_whose_link_between_two_centrals_was_refused_is_one(house: Warehouse) -> None:
    house.take(central("b"), central("c", "2", deprecated="a", source=THERE))
    listed(house, "b", "b", "a")
    listed(house, "a", "a", "c", source=THERE)
    says(house, "b", instance="a", deleted=True)
    says(house, "a", instance="c", source=THERE)
    assert current(house) == [("b", "c", "staged")]


def test_centrals_that_call_each_others_versions_first_still_give_one(house: Warehouse) -> None:
    for source, first, last in ((HERE, "a", "b"), (THERE, "b", "a")):
        house.take(central(first, source=source), central(last, deprecated=first, source=source))
        listed(house, first, first, last, source=source)
        says(house, first, instance=last, source=source)
    assert [row[0] for row in current(house)] == ["a"]


def test_what_was_purged_and_sent_again_stands_as_it_was_sent_last(house: Warehouse) -> None:
    house.take(
        replace(central("a", "1"), changed_at=at(1)), replace(central("b", "2", deprecated="a"), changed_at=at(2))
    )
    listed(house, "a", "a")
    listed(house, "a", "b", minute=2)
    says(house, "a", instance="b", submitted=1)
    assert current(house) == [("a", "b", "staged")]
    assert house.rows("select weight from staging.visit") == [(2.0,)]
    # Its state has not landed yet, and so neither may its answers have.
    listed(house, "a", "a", minute=3)
    house.take(replace(central("a", "3"), changed_at=at(3)))
    assert current(house) == [("a", "b", "staged")]
    says(house, "a", instance="a", submitted=3)
    assert current(house) == [("a", "a", "staged")]
    assert house.rows("select weight from staging.visit") == [(3.0,)]
    # A third time, with the first answers.
    listed(house, "a", "a", minute=4)
    house.take(replace(central("a", "1"), changed_at=at(4)))
    says(house, "a", instance="a", submitted=4)
    current(house)
    assert house.rows("select weight from staging.visit") == [(1.0,)]
    # A phone's edit of before is not on the server any more, whatever that has once said.
    house.take(phone("b", "2", deprecated="a"))
    assert failing(house) == [("a", f"{FORM}.not_on_central", "warning")]


def test_an_edit_of_what_is_no_longer_current_on_central_does_not_stand(house: Warehouse) -> None:
    house.take(phone("a"), replace(phone("b", "2", deprecated="a"), changed_at=at(59)), phone("d", deprecated="b"))
    house.take(central("a"), replace(central("c", "3", deprecated="a"), changed_at=at(1)))
    listed(house, "a", "a", "c")
    says(house, "a", instance="c")
    assert current(house) == [("a", "c", "staged")]
    house.take(phone("e", "5", deprecated="c"))
    assert current(house) == [("a", "e", "staged")]


# --- findings --------------------------------------------------------------------------------------------------------


def test_a_difference_between_sources_is_an_error_until_somebody_settles_it(house: Warehouse) -> None:
    house.take(central("a"), phone("a", "2"), central("same"), phone("same"), central("t"), central("t", source=THERE))
    house.take(central("u"), central("u", "9", source=THERE), phone("only", "3"))
    for name in ("a", "same", "t", "u", "only"):
        says(house, name)
    differ = f"{FORM}.sources_differ"
    assert failing(house) == [("a", differ, "error"), ("u", differ, "error")]
    house.take(central("a2", "2", deprecated="a"))
    says(house, "a", instance="a2")
    says(house, "u", deleted=True)
    says(house, "u", source=THERE, deleted=True)
    assert failing(house) == []


def weights(house: Warehouse) -> list[tuple[object, ...]]:
    house.stand()
    return house.rows("select _submission_id, weight from staging.visit order by all")


@pytest.mark.parametrize(("right", "wrong", "is_purged"), [(HERE, THERE, False), (THERE, HERE, True)])
def test_what_is_deleted_where_it_is_wrong_is_settled(
    house: Warehouse, right: str, wrong: str, is_purged: bool
) -> None:
    house.take(replace(central("a", "1", source=right), changed_at=at(1)))
    house.take(replace(central("a", "2", source=wrong), changed_at=at(2)))
    for source in (right, wrong):
        listed(house, "a", "a", source=source)
        says(house, "a", source=source)
    assert failing(house) == [("a", f"{FORM}.sources_differ", "error")]
    says(house, "a", source=wrong, deleted=True, purged=is_purged)
    assert failing(house) == []
    assert weights(house) == [("a", 1.0)]
    # What a phone has does not stand against what is still there, and does differ.
    house.take(replace(phone("a", "3"), changed_at=at(59)))
    assert weights(house) == [("a", 1.0)]
    assert failing(house) == [("a", f"{FORM}.sources_differ", "error")]
    says(house, "a", source=right, deleted=True)
    says(house, "a", source=wrong)
    assert weights(house) == [("a", 2.0)]


def test_one_edit_that_is_wrong_is_given_up_with_its_submission(house: Warehouse) -> None:
    for source, weight in ((HERE, 1), (THERE, 2)):
        edit = central("b", str(weight), deprecated="a", source=source)
        house.take(central("a", source=source), replace(edit, changed_at=at(weight)))
        listed(house, "a", "a", "b", source=source)
        says(house, "a", instance="b", source=source)
    assert failing(house) == [("a", f"{FORM}.sources_differ", "error")]
    # Deleted after an edit that nobody saw: the versions before it are given up as well.
    says(house, "a", instance="c", source=THERE, deleted=True)
    assert failing(house) == []
    assert weights(house) == [("a", 1.0)]


def test_a_record_that_two_centrals_edited_differently_is_told(house: Warehouse) -> None:
    for source, edit in ((HERE, "za"), (THERE, "zb")):
        house.take(central("z", source=source), central(edit, deprecated="z", source=source))
        listed(house, "z", "z", edit, source=source)
        says(house, "z", instance=edit, source=source)
    differ = [("z", f"{FORM}.sources_differ", "error")]
    assert failing(house) == differ
    says(house, "z", instance="zb", source=THERE, deleted=True)
    assert failing(house) == []
    assert current(house) == [("z", "za", "staged")]
    says(house, "z", instance="zb", source=THERE)
    assert failing(house) == differ


def test_a_central_that_has_gone_on_from_what_another_has_does_not_differ(house: Warehouse) -> None:
    # Edited on one alone; and sent there as it was after an edit, and edited on.
    house.take(central("z"), central("z", source=THERE), central("za", "2", deprecated="z"))
    listed(house, "z", "z", "za")
    listed(house, "z", "z", source=THERE)
    says(house, "z", instance="za")
    says(house, "z", source=THERE)
    house.take(central("x"), central("y", deprecated="x"), central("y", deprecated="x", source=THERE))
    house.take(central("w", deprecated="y", source=THERE))
    listed(house, "x", "x", "y")
    listed(house, "y", "y", "w", source=THERE)
    says(house, "x", instance="y")
    says(house, "y", instance="w", source=THERE)
    assert failing(house) == []
    # Purged there and sent again: what was listed before is no longer what it went past.
    listed(house, "z", "zb", minute=2)
    says(house, "z", instance="zb", submitted=2)
    house.take(replace(central("zb", "3", deprecated="z"), changed_at=at(2)))
    assert failing(house) == [("z", f"{FORM}.sources_differ", "error")]


def test_centrals_that_each_have_what_the_other_went_past_differ(house: Warehouse) -> None:
    for source, first, last in ((HERE, "a", "b"), (THERE, "b", "a")):
        house.take(central(first, source=source), central(last, deprecated=first, source=source))
        listed(house, first, first, last, source=source)
        says(house, first, instance=last, source=source)
    assert failing(house) == [("a", f"{FORM}.sources_differ", "error")]


def test_a_current_version_that_was_refused_is_an_error_until_another_is_read(house: Warehouse) -> None:
    house.take(central("a"), central("b"), central("c"))

    def refuse(instance: str, source: str = HERE) -> None:
        house.con.execute(
            """
            insert into raw.refused by name
            select ? as form_id, ? as instance_id, ? as source, 'x' as name, 'torn' as reason, now() as landed_at,
                'r' as run_id
            """,
            [FORM, instance, source],
        )

    for name, edit in (("a", "a2"), ("b", "b2"), ("c", "c2"), ("only", "only")):
        listed(house, name, name, edit)
        says(house, name, instance=edit)
    refuse("a2")
    refuse("b2", THERE)  # refused there, and here not read yet
    refuse("c2")
    house.take(replace(central("c2", deprecated="c"), changed_at=at(1)))  # read since
    refuse("only")  # nothing of it is staged
    assert failing(house) == [("a", f"{FORM}.current_refused", "error")]
    assert current(house)[0] == ("a", "a", "staged")
    says(house, "a", instance="a2", deleted=True)
    assert failing(house) == []
    says(house, "a", instance="a3")
    listed(house, "a", "a3")
    house.take(central("a3", deprecated="a2"))
    assert failing(house) == []


@pytest.mark.parametrize("earlier", [Status.DRAFT, Status.UNKNOWN])
def test_what_a_phone_went_past_is_no_difference(house: Warehouse, earlier: Status) -> None:
    house.take(phone("a", "1", status=earlier), phone("a", "2"), central("a", "2"))
    # an old copy of the folder turns up late
    house.take(phone("b", "2"), phone("b", "1", status=earlier), central("b", "2"))
    says(house, "a")
    says(house, "b")
    assert failing(house) == []


def test_a_draft_is_no_difference(house: Warehouse) -> None:
    house.take(phone("a", "1", status=Status.DRAFT), central("a", "2"))
    says(house, "a")
    assert failing(house) == []


def test_what_a_phone_has_and_central_has_not_is_a_warning(house: Warehouse) -> None:
    house.take(
        phone("new"),
        phone("draft", status=Status.DRAFT),
        phone("unknown", status=Status.UNKNOWN),
        phone("a"),
        phone("b", deprecated="a"),
        phone("gone"),
        phone("gone2", deprecated="gone"),
    )
    says(house, "x", of="another")
    assert failing(house) == []  # no Central mirrors this form
    house.take(central("a"), central("gone"))
    says(house, "a")
    says(house, "gone", deleted=True)
    missing = f"{FORM}.not_on_central"
    assert failing(house) == [("a", missing, "warning"), ("new", missing, "warning")]
    house.take(central("b", deprecated="a"), central("new2", deprecated="new"))
    listed(house, "a", "a", "b")
    says(house, "a", instance="b")
    says(house, "new2")
    assert failing(house) == []


def test_an_edit_that_central_can_no_longer_take_is_told(house: Warehouse) -> None:
    house.take(phone("b", "2", deprecated="a"), central("a"), central("c", "3", deprecated="a"))
    listed(house, "a", "a", "c")
    says(house, "a", instance="c")
    assert failing(house) == [("a", f"{FORM}.not_on_central", "warning")]


def test_what_landed_from_central_before_its_state_is_there(house: Warehouse) -> None:
    house.take(central("a"), phone("a"), central("b"), phone("b", "2"))
    says(house, "other")
    assert failing(house) == [("b", f"{FORM}.sources_differ", "error")]


def test_rejected_by_a_reviewer_stays_out_until_it_is_not(house: Warehouse) -> None:
    house.take(central("a"), central("b"), central("c"), central("d"))
    says(house, "a", review="rejected")
    says(house, "b", review="approved")
    says(house, "c", review="rejected", deleted=True)
    says(house, "d", review="rejected", deleted=True)
    says(house, "d", review="approved", source=THERE)
    assert failing(house) == [("a", f"{FORM}.rejected", "error")]
    house.marts()
    assert house.rows("select submission_id from marts.submissions where not is_accepted") == [("a",)]
    says(house, "a", 30, review="approved")
    assert failing(house) == []


def test_findings_of_sources_are_worded_in_both_languages_and_recorded_once(house: Warehouse) -> None:
    house.take(central("a"), phone("a", "2"), phone("p"))
    says(house, "a", review="rejected")
    failing(house)
    events = house.rows("select count(*) from quality.finding_events")
    assert len(failing(house)) == 3
    assert house.rows("select count(*) from quality.finding_events") == events
    worded = house.rows("select map_keys(messages), table_name from quality.rules where kind = 'source'")
    assert worded == [(["id", "en"], FORM)] * 4


@pytest.mark.usefixtures("from_nothing")
def test_rules_that_stood_before_the_migration_still_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = [migration for migration in migrations() if migration[0] < 7]
    monkeypatch.setattr("laktasi.store.migrating.migrations", lambda: older)
    with open_warehouse(DataFolder(tmp_path)):
        pass
    with open_warehouse(DataFolder(tmp_path)) as con:
        con.execute(
            """
            insert into quality.rules values ('f', '1', 'f', 'age.required', 'required', 'age', 'error', map {}, '');
            insert into quality.rules values ('f', '1', 'f', 'age.odd', 'declared', null, 'warning', map {}, '');
            insert into quality.finding_events values ('1', 'run', 'opened', now(), 'f', 'a', '', 'age.required');
            insert into quality.finding_events values ('2', 'run', 'opened', now(), 'f', 'a', '', 'age.odd');
            """
        )
        before = con.execute("select * from quality.rules order by rule_id").fetchall()
    monkeypatch.undo()
    with open_warehouse(DataFolder(tmp_path)) as con:
        after = con.execute("select * exclude (keeps_out, stops) from quality.rules order by rule_id").fetchall()
        assert after == before != []
        found = con.execute("select severity, status, keeps_out from quality.findings order by finding_id").fetchall()
        assert found == [("error", "open", True), ("warning", "open", False)]
