"""The shipped checks of groups and of time: each fires at a planted fault, and where it was planted only."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import duckdb
import pytest

from laktasi import pipeline
from laktasi.paths import HOUSE
from laktasi.quality import read_checks
from laktasi.records import Attachment, Status, Submission
from laktasi.settings import read_settings
from laktasi.store import raw
from tests.engine.visits import OLD_VERSION, VERSION
from tests.integration import shipped

DECLARED = {
    check.id for check in read_checks(HOUSE / "schemas" / "checks.yml") if check.kind in shipped.KINDS_OF_GROUPS
}
CENTRAL = "central:central.example.org/1"


@dataclass
class Field:
    """The world of the shipped form as it is in the field: with phones, clocks, audit logs and a Central."""

    world: shipped.World
    received: dict[str, datetime] = field(default_factory=dict)
    """When Central took a record in."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long the consent was on the screen."""

    def of(self, node: str, code: str) -> list[str]:
        """Give the consenting records of a centre or an enumerator that nobody has taken."""
        return [
            key
            for key in self.world.payloads
            if key not in self.world.used
            and (given := self.world.answers(key)).get(node) == code
            and given["given"] == "yes"
        ]

    def take(self, keys: Iterable[str], count: int) -> list[str]:
        taken = list(keys)[:count]
        assert len(taken) == count
        self.world.used |= set(taken)
        return taken

    def move(self, key: str, clock: str, minutes: int = 20) -> str:
        """Let an interview, and the birth before it, take place at another moment by the phone's own clock."""
        given = self.world.answers(key)
        start = datetime.fromisoformat(clock)
        moments = {"start": start, "end": start + timedelta(minutes=minutes)}
        later = start.date() - date.fromisoformat(given["date"])
        return self.world.set(
            key,
            today=f"{start:%Y-%m-%d}",
            date=f"{start:%Y-%m-%d}",
            birth_date=f"{date.fromisoformat(given['birth_date']) + later}",
            **{name: f"{moment:%Y-%m-%dT%H:%M:%S}.000{given['start'][-6:]}" for name, moment in moments.items()},
        )

    @cached_property
    def newest(self) -> datetime:
        """When the latest interview ended."""
        return max(datetime.fromisoformat(self.world.answers(key)["end"]) for key in self.world.payloads)

    def day(self, before: int) -> str:
        """Give a day so many days before the newest interview."""
        return f"{self.newest - timedelta(days=before):%Y-%m-%d}"


def phone_of(number: int) -> str:
    """Give the group of a phone's records."""
    return f"device:collect:contoh{number:010d}"


def plant(place: Field) -> dict[str, set[str]]:
    """Plant a fault for each check, and give where each must be found."""
    world = place.world
    found: dict[str, set[str]] = {}

    # A centre in which half is wrong, spread over its enumerators, who are well elsewhere.
    for code, count in (("E07", 4), ("E08", 3), ("E09", 3)):
        here = [key for key in place.of("centre", "contoh_14") if world.answers(key)["enumerator"] == code]
        for key in place.take((key for key in here if world.answers(key)["round"] == "first"), count):
            world.set(key, education="")
    found["broken_centre"] = {"centre:contoh_14"}

    # One of a centre's enumerators: the centre as a whole is not broken.
    firsts = [key for key in place.of("enumerator", "E01") if world.answers(key)["round"] == "first"]
    for key in place.take(firsts, 10):
        world.set(key, education="")
    found["many_errors"] = {"enumerator:E01"}

    for key in place.take(place.of("enumerator", "E02"), 10):
        world.set(key, given="no")
    found["many_refusals"] = {"enumerator:E02"}

    for key in place.of("enumerator", "E03"):
        world.set(key, weight="")
    found["weight_often_missing"] = {"enumerator:E03"}

    # One enumerator who invents: a whole centre is given to that code, so that there are enough answers.
    for key in place.of("centre", "contoh_17"):
        world.set(key, enumerator="E12", observed="good")
        if world.answers(key)["performed"] == "no":
            world.set(key, open_wound="unknown", contraindicated="yes")
            told = world.payloads[key].replace(b"</screening>", b"<stop_read>OK</stop_read></screening>")
            world.payloads[key] = re.sub(rb"<taught_today>[a-z]+</taught_today>", b"", told)
        payload = re.sub(rb"<weight>[0-9]+", b"<weight>3500", world.payloads[key])
        world.payloads[key] = re.sub(
            rb"<provider>[a-z_]+</provider>(<provider_other>[^<]*</provider_other>)?",
            b"<provider>other</provider><provider_other>tetangga</provider_other>",
            payload,
        )
    for check_id in ("same_judgement", "weights_rounded", "screening_often_unknown", "provider_often_other"):
        found[check_id] = {"enumerator:E12"}

    for key, payload in world.payloads.items():
        world.payloads[key] = re.sub(rb"<comment>[^<]*</comment>", b"<comment />", payload)
    found["never_answered"] = {"question:closing/comment"}

    # A centre that stopped, and with it its phone.
    for number, key in enumerate(place.of("centre", "contoh_05")):
        place.move(key, f"{place.day(32 + number % 10)}T{8 + number // 10 % 6:02d}:15")
    found["silent_centre"], found["silent_phone"] = {"centre:contoh_05"}, {phone_of(2)}

    short, long, early, late, known, hurried, calm = place.take(place.of("centre", "contoh_04"), 7)
    first = [key for key in (short, long, early) if world.answers(key)["round"] == "first"]
    assert first == [short, long, early]
    place.move(short, f"{place.day(20)}T09:00", minutes=9)
    found["interview_too_short"] = {short}
    place.move(long, f"{place.day(20)}T10:00", minutes=121)
    found["interview_left_open"] = {long}
    place.move(early, f"{place.day(21)}T05:59")
    found["odd_hours"] = {early}

    place.move(late, f"{place.day(15)}T09:00")
    place.move(known, f"{place.day(15)}T10:00")
    for key, days in ((late, 8), (known, 1)):
        place.received[key] = datetime.fromisoformat(world.answers(key)["end"]) + timedelta(days=days)
    found["arrived_late"] = {late}

    place.seconds |= {hurried: 9.5, calm: 10.5}
    found["consent_hurried"] = {hurried}

    morning, evening = place.take(place.of("enumerator", "E06"), 2)
    place.move(morning, f"{place.day(33)}T06:30")
    place.move(evening, f"{place.day(33)}T18:30")
    found["long_day"] = {f"enumerator:E06 {place.day(33)}"}
    for number, key in enumerate(place.take(place.of("enumerator", "E05"), 16)):
        place.move(key, f"{place.day(34)}T{8 + number // 3:02d}:{number % 3 * 20:02d}", minutes=18)
    found["crowded_day"] = {f"enumerator:E05 {place.day(34)}"}

    # The phone of this centre still has the old form.
    for number, key in enumerate(place.take(place.of("centre", "contoh_20"), 8)):
        place.move(key, f"{place.day(number % 6 + 1)}T{8 + number // 6:02d}:30")
        world.payloads[key] = world.payloads[key].replace(
            f'version="{VERSION}"'.encode(), f'version="{OLD_VERSION}"'.encode()
        )
    found["old_form_on_phone"] = {phone_of(5)}

    found["target_missed"] = {"centre:contoh_04"}
    return found


def check(place: Field, data: Path) -> dict[str, set[str]]:
    """Let all land, check it, and give what the checks of groups and of time found open, by check."""
    this = pipeline.Run("run-1", "cli", read_settings(HOUSE, data=data / "data", phones=()))
    pipeline.land_forms(this, pipeline.silent)
    submissions = []
    for key, xml in place.world.payloads.items():
        files: tuple[Attachment, ...] = ()
        if key in place.seconds:
            log = data / f"{key.removeprefix('uuid:')}.csv"
            end = 1_760_000_000_000 + int(place.seconds[key] * 1000)
            line = f"question,/data/consent/information,1760000000000,{end}"
            log.write_text(f"event,node,start,end\n{line}\n", encoding="utf-8")
            files = (Attachment("audit.csv", log),)
        version = OLD_VERSION if f'version="{OLD_VERSION}"'.encode() in xml else VERSION
        submissions.append(Submission(shipped.FORM, version, key, None, xml, Status.FINALISED, "phones", None, files))
    with duckdb.connect(str(this.settings.data_folder.warehouse)) as con:
        raw.land(con, this.settings.data_folder, submissions, this.run_id)
        for key, moment in place.received.items():
            con.execute(
                """
                insert into raw.submission_states by name
                select
                    ? as form_id, ? as submission_id, ? as instance_id, 0 as edits, ?::timestamptz as submitted_at,
                    false as is_purged, 0 as attachments_present, 0 as attachments_expected, ? as source,
                    now() as landed_at, ? as run_id
                """,
                [shipped.FORM, key, key, moment, CENTRAL, this.run_id],
            )
    for step in (pipeline.read, pipeline.stand):
        step(this, pipeline.silent)
    with duckdb.connect(str(this.settings.data_folder.warehouse)) as con:
        # The shipped targets are due when the study ends; here some were due the day before.
        due = f"until = date '{place.day(1)}'"
        con.execute(f"update marts.targets set {due}, target = 500 where centre_code = 'contoh_04'")
        con.execute(f"update marts.targets set {due}, target = 20 where centre_code = 'contoh_17'")
    pipeline.check(this, pipeline.silent)
    found: dict[str, set[str]] = defaultdict(set)
    with duckdb.connect(str(this.settings.data_folder.warehouse), read_only=True) as con:
        for rule_id, where in con.execute(
            'select rule_id, submission_id || "row" from quality.findings where is_open'
        ).fetchall():
            if rule_id in DECLARED:
                found[rule_id].add(where)
    return dict(found)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Give what was planted, and what was found."""
    place = Field(shipped.clean())
    planted = plant(place)
    return planted, check(place, tmp_path_factory.mktemp("planted"))


@pytest.mark.slow
def test_every_check_of_groups_and_of_time_has_a_fault(
    both: tuple[dict[str, set[str]], dict[str, set[str]]],
) -> None:
    assert set(both[0]) == DECLARED


@pytest.mark.slow
@pytest.mark.parametrize("check_id", sorted(DECLARED))
def test_each_check_fires_at_its_fault_and_nowhere_else(
    both: tuple[dict[str, set[str]], dict[str, set[str]]], check_id: str
) -> None:
    planted, found = both
    assert found.get(check_id, set()) == planted[check_id]
