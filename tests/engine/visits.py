"""Who visits which mother, when, with which phone and which version of the form. Pure Python, no engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random
from uuid import UUID

from tests.engine.interview import Value
from tests.engine.mothers import SEED, Centre, Mother, birth_date, follow_up_answers, mothers_of

FORM_ID = "postpartum_visit"
OLD_VERSION = "2026092801"
VERSION = "2026101202"
PHONES = 8
LATE_PHONES = (3, 6)
"""Got the new version of the form only on `UPDATED`."""
UPDATED = date(2026, 10, 17)
FIRST_DAY = date(2026, 10, 5)
VISITS_A_DAY = 10
FOLLOW_UP_DAYS = 14
OFFSETS = {1: "+08:00", 2: "+07:00", 3: "+07:00", 4: "+08:00", 5: "+08:00", 6: "+08:00", 7: "+09:00", 8: "+09:00"}
"""Of each phone's clock from UTC; Indonesia has three zones."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One interview on one phone."""

    mother: Mother
    phone: int
    enumerator: str
    start: datetime
    """By the phone's clock, in its own zone."""
    minutes: int
    version: str
    instance_id: str
    answers: dict[str, Value]
    replaces: Visit | None = None
    """What was finalised before, where this one is an edit of it."""
    status: str = "submitted"
    """What Collect's list says of it."""
    faults: tuple[str, ...] = field(default=())
    """Names of what is planted in it."""

    @property
    def end(self) -> datetime:
        """When it was finished, by the phone's clock."""
        return self.start + timedelta(minutes=self.minutes)

    @property
    def first(self) -> Visit:
        """The interview itself, where this one is an edit; else this one."""
        return self.replaces.first if self.replaces else self


def instance_id(*parts: object) -> str:
    """Make an identifier as the phone does, but always the same for the same parts."""
    random = Random("/".join((SEED, "instance", *map(str, parts))))
    return f"uuid:{UUID(int=random.getrandbits(128), version=4)}"


def schedule(centres: Iterable[Centre]) -> list[Visit]:
    """Plan every visit: first visits day by day, follow-up visits two weeks later, phone after phone."""
    by_phone: dict[int, list[Mother]] = {phone: [] for phone in range(1, PHONES + 1)}
    for centre in centres:
        by_phone[(centre.number - 1) * PHONES // 40 + 1].extend(mothers_of(centre))
    return [visit for phone, mothers in by_phone.items() for visit in _of_phone(phone, mothers)]


def _of_phone(phone: int, mothers: list[Mother]) -> Iterator[Visit]:
    random = Random(f"{SEED}/schedule/{phone}")
    random.shuffle(mothers)
    firsts = [_first(phone, mother, start, random) for mother, start in zip(mothers, _slots(random), strict=False)]
    yield from firsts
    # In the afternoon, so that no folder of Collect's, which is named by the second, is met twice.
    again = [visit for visit in firsts if visit.mother.comes_again]
    for position, visit in enumerate(again):
        day = visit.start.date() + timedelta(days=FOLLOW_UP_DAYS)
        start = datetime.combine(day, time(15, 0, position % 60)) + timedelta(minutes=position % 90)
        yield _follow_up(visit, start, random)


def _slots(random: Random) -> Iterator[datetime]:
    day = FIRST_DAY
    while True:
        if day.weekday() < 5:
            for slot in range(VISITS_A_DAY):
                start = datetime.combine(day, time(8, 0)) + timedelta(minutes=36 * slot)
                yield start + timedelta(minutes=random.randint(0, 4), seconds=random.randint(0, 59))
        day += timedelta(days=1)


def _first(phone: int, mother: Mother, start: datetime, random: Random) -> Visit:
    return Visit(
        mother=mother,
        phone=phone,
        enumerator=f"E{phone * 3 - mother.number % 3:02d}",
        start=start,
        minutes=random.randint(4, 7) if mother.is_refusing else random.randint(17, 31),
        version=OLD_VERSION if phone in LATE_PHONES and start.date() < UPDATED else VERSION,
        instance_id=instance_id("first", mother.study_code),
        answers=complete(mother, "first", mother.answers, start, random),
        status="submitted" if start.date() < date(2026, 10, 28) else "complete",
    )


def _follow_up(visit: Visit, start: datetime, random: Random) -> Visit:
    mother = visit.mother
    return replace(
        visit,
        start=start,
        minutes=random.randint(10, 18),
        version=VERSION,
        instance_id=instance_id("follow_up", mother.study_code),
        answers=complete(mother, "follow_up", follow_up_answers(mother), start, random, first=visit.start.date()),
        status="complete",
    )


def complete(
    mother: Mother,
    visit_round: str,
    given: dict[str, Value],
    start: datetime,
    random: Random,
    *,
    first: date | None = None,
) -> dict[str, Value]:
    """Add place, day, code and what depends on them to a mother's answers.

    Parameters
    ----------
    first
        Day of the first visit, from which the infant's date of birth is known; that of `start` when not given.
    """
    phone = (mother.centre.number - 1) * PHONES // 40 + 1
    answers: dict[str, Value] = {
        **given,
        "visit/date": start.date(),
        "visit/province": mother.centre.province,
        "visit/district": mother.centre.district,
        "visit/centre": mother.centre.code,
        "visit/enumerator": f"E{phone * 3 - mother.number % 3:02d}",
    }
    if mother.is_refusing:
        return answers
    is_scanned = random.random() < 0.65
    answers |= {
        "visit/round": visit_round,
        "mother/code_entry": "scan" if is_scanned else "type",
        "mother/code_scanned": mother.study_code,
        "mother/code_typed": mother.study_code,
        "infant/birth_date": birth_date(mother, first or start.date()),
    }
    if answers["hormone/measured"] == "yes":
        answers["hormone/before_at"] = f"{start:%Y-%m-%dT%H:%M}:00.000+08:00"
        answers["hormone/after_at"] = f"{start + timedelta(minutes=25):%Y-%m-%dT%H:%M}:00.000+08:00"
    return answers
