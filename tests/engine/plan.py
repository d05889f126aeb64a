"""The whole sample as a plan: every visit, and what is planted in which. Pure Python; the engine fills it later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from tests.engine.faults import FAULTS, WAITING
from tests.engine.mothers import ALL_MASSAGED, MOPUYA, SEED, TOO_SMALL, Centre
from tests.engine.visits import VERSION, Visit, complete, instance_id, schedule

UNTOUCHED = (MOPUYA, TOO_SMALL, ALL_MASSAGED)
"""Centres whose records stay as they are."""
PHONES_WITHOUT_LIST = (4, 7)
"""Copied without ``metadata/``: whether an instance of theirs is a draft cannot be known."""
PHONES_WITH_ONLY_INSTANCES = (8,)
CLOCK_AT_START = datetime(1970, 1, 1, 8, 2, 11)


@dataclass(frozen=True, slots=True)
class Item:
    """One folder below a phone's ``instances/``."""

    visit: Visit
    phone: int
    """Where it lies; a copy lies on another phone than it was made with."""
    clock: datetime | None = None
    """What the phone's clock showed, where it was wrong."""
    is_copy: bool = False


def plan(centres: Sequence[Centre]) -> list[Item]:
    """Plan the sample: the visits as they went, then what went wrong."""
    visits = schedule(centres)
    random = Random(f"{SEED}/plan")
    free = [
        visit
        for visit in visits
        if visit.mother.centre.code not in UNTOUCHED
        and visit.version == VERSION
        and visit.answers.get("visit/round") == "first"
        and visit.phone not in (*PHONES_WITHOUT_LIST, *PHONES_WITH_ONLY_INSTANCES)
    ]
    random.shuffle(free)
    changed = _plant(free)
    extra: list[Item] = []
    changed |= _contraindicated(free)
    extra += _duplicates(free, random)
    extra += _edits(free)
    extra += _copies(free)
    drafts = {visit.instance_id: _draft(visit) for visit in _take(free, 6)}
    clocks = {visit.instance_id for visit in _take(free, 2)}
    items = []
    for visit in visits:
        now = {**changed, **drafts}.get(visit.instance_id, visit)
        clock = CLOCK_AT_START + timedelta(minutes=visit.phone) if visit.instance_id in clocks else None
        if clock:
            now = replace(now, faults=("phone_clock",))
        items.append(Item(now, visit.phone, clock=clock))
    # One edit is all that is left: the enumerator deleted what it replaces.
    gone = next(item.visit.first.instance_id for item in extra if item.visit.replaces)
    return [item for item in [*items, *extra] if item.visit.instance_id != gone]


def _take(free: list[Visit], count: int, fits: Callable[[Visit], bool] = lambda visit: True) -> Iterator[Visit]:
    chosen = [visit for visit in free if fits(visit)][:count]
    assert len(chosen) == count
    for visit in chosen:
        free.remove(visit)
        yield visit


def _plant(free: list[Visit]) -> dict[str, Visit]:
    planted = {}
    for fault in FAULTS:
        for visit in _take(free, fault.count, fault.fits):
            planted[visit.instance_id] = replace(visit, faults=(fault.name,))
    for visit in _take(free, 2):
        planted[visit.instance_id] = replace(visit, faults=(WAITING,))
    return planted


def _is_massaged(visit: Visit) -> bool:
    return visit.answers["massage/performed"] == "yes" and "screening/stop_read" not in visit.answers


def _contraindicated(free: list[Visit]) -> dict[str, Visit]:
    """Let mothers with a contraindication have been massaged all the same."""
    planted = {}
    for visit in _take(free, 3, _is_massaged):
        answers = {**visit.answers, "screening/medication": "yes", "screening/stop_read": "OK"}
        planted[visit.instance_id] = replace(visit, answers=answers, faults=("contraindicated_massage",))
    return planted


def _duplicates(free: list[Visit], random: Random) -> Iterator[Item]:
    """Let mothers be interviewed twice as if for the first time."""
    for visit in list(_take(free, 3)):
        start = datetime.combine(visit.start.date() + timedelta(days=1), datetime.min.time()) + timedelta(hours=17)
        answers = complete(visit.mother, "first", visit.mother.answers, start, random, first=visit.start.date())
        again = replace(
            visit,
            start=start,
            answers=answers,
            instance_id=instance_id("duplicate", visit.mother.study_code),
            status="complete",
        )
        yield Item(again, visit.phone)


def _edits(free: list[Visit]) -> Iterator[Item]:
    """Edit finalised forms: five once, the last of them twice."""
    chosen = list(_take(free, 5))
    edits = [_edited(visit, 1) for visit in chosen]
    for edit in (*edits, _edited(edits[-1], 2)):
        yield Item(edit, edit.phone)


def _edited(visit: Visit, number: int) -> Visit:
    return replace(
        visit,
        # Collect copies the folder under the time of editing; the times inside stay those of the interview.
        start=visit.start + timedelta(hours=8, minutes=number),
        minutes=3,
        answers={**visit.answers, "closing/comment": f"Perbaikan {number}", "infant/weight": 3000 + number},
        instance_id=instance_id("edit", number, visit.mother.study_code),
        replaces=visit,
        status="complete",
    )


def _copies(free: list[Visit]) -> Iterator[Item]:
    """Let submissions lie on a second phone too: a card was moved."""
    for visit in _take(free, 4, lambda visit: visit.phone != 1):
        yield Item(visit, 1, is_copy=True)


def _draft(visit: Visit) -> Visit:
    """Break an interview off before the screening."""
    rest = ("screening", "massage", "milk", "hormone", "place", "closing")
    answers = {path: value for path, value in visit.answers.items() if path.split("/")[0] not in rest}
    return replace(visit, answers=answers, status="incomplete")


def by_phone(items: Iterable[Item]) -> dict[int, list[Item]]:
    """Sort items into phones, each in the order of time."""
    sorted_items: dict[int, list[Item]] = {}
    for item in items:
        sorted_items.setdefault(item.phone, []).append(item)
    for held in sorted_items.values():
        held.sort(key=lambda item: (item.clock or item.visit.start, item.visit.instance_id))
    return dict(sorted(sorted_items.items()))
