"""A small world of the shipped form on which every declared check is quiet, and one planted fault for each check.

The records are sample records with nothing planted in them, so they are what phones send. Each fault takes records, or
a whole group, that no other fault touches, and says where its check must see it.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import duckdb

from laktasi import pipeline
from laktasi.paths import HOUSE
from laktasi.quality.kinds import completion, patterns, rates, share, timing, trouble, versions
from laktasi.records import Status, Submission
from laktasi.settings import read_settings
from laktasi.store import raw
from tests.engine.faults import set_value
from tests.engine.mothers import study_code
from tests.engine.visits import OLD_VERSION

FORM = "postpartum_visit"
SAMPLE = HOUSE / "xlsforms" / "sample"
CENTRES = ("contoh_04", "contoh_05", "contoh_10", "contoh_14", "contoh_17", "contoh_20")

KINDS_OF_GROUPS = {
    kind.name for module in (completion, patterns, rates, share, timing, trouble, versions) for kind in module.KINDS
}
"""Their faults change whole groups, so they have a world of their own."""
OF_BACK_CHECKS = ("never_interviewed", "facts_differ_in_back_checks")
"""Their faults stand in another form, see test_back_checks_shipped.py."""

Fits = Callable[[Mapping[str, str]], bool]


@dataclass
class World:
    """Payloads by instance ID, to be changed before they land."""

    payloads: dict[str, bytes]
    used: set[str] = field(default_factory=set)
    also: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By check: what it rightly sees of another one's fault."""

    def answers(self, key: str) -> dict[str, str]:
        """Give the answers of a record that are not empty, by node."""
        found = re.findall(rb"<([a-z_]+)>([^<]+)</", self.payloads[key])
        return {node.decode(): text.decode() for node, text in found}

    def take(self, fits: Fits = lambda given: True, *, old: bool = False) -> str:
        """Give a consenting first visit that nobody has taken, to be spoilt."""
        for key in self.payloads:
            if key not in self.used:
                given = self.answers(key)
                is_old = f'version="{OLD_VERSION}"'.encode() in self.payloads[key]
                if given.get("round") == "first" and is_old == old and fits(given):
                    self.used.add(key)
                    return key
        raise AssertionError("no record fits; take more centres into the world")

    def take_follow_up(self) -> str:
        """Give a follow-up visit that nobody has taken, and whose first visit nobody has taken."""
        taken = {self.answers(key).get("study_code") for key in self.used}
        for key in self.payloads:
            given = self.answers(key)
            if key not in self.used and given.get("round") == "follow_up" and given["study_code"] not in taken:
                self.used.add(key)
                return key
        raise AssertionError("no follow-up visit is left")

    def group(self, fits: Fits) -> list[str]:
        """Give all records of a group, and take them."""
        keys = [key for key in self.payloads if fits(self.answers(key))]
        assert keys
        assert not self.used & set(keys), "another fault has taken a record of this group"
        self.used |= set(keys)
        return keys

    def set(self, key: str, **nodes: str) -> str:
        """Put answers into a record, by node."""
        for node, text in nodes.items():
            self.payloads[key] = set_value(node, text)(self.payloads[key])
        return key

    def recode(self, key: str, code: str) -> str:
        """Give a record another study code, wherever it stands."""
        old = self.answers(key)["study_code"].encode()
        self.payloads[key] = self.payloads[key].replace(old, code.encode())
        return key

    def copy(self, key: str, **nodes: str) -> str:
        """Send a record once more, as another one."""
        again = f"uuid:again-{len(self.payloads)}"
        self.payloads[again] = self.payloads[key].replace(key.encode(), again.encode())
        self.used.add(again)
        return self.set(again, **nodes)


@cache
def _clean() -> Mapping[str, bytes]:
    planted = json.loads((SAMPLE / "planted.json").read_text(encoding="utf-8"))
    aside = {finding["submission"] for finding in planted["findings"]} | {*planted["drafts"], *planted["waiting"]}
    aside |= {edit[name] for edit in planted["edits"] for name in ("submission", "instance", "replaces")}
    found: dict[str, bytes] = {}
    codes: dict[str, set[str]] = defaultdict(set)
    with zipfile.ZipFile(SAMPLE / "postpartum_visit.zip") as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith(".xml") or "/instances/" not in name:
                continue
            xml = archive.read(name)
            instance = re.search(rb"<instanceID>(uuid:[0-9a-f-]+)</instanceID>", xml)
            centre = re.search(rb"<centre>([a-z0-9_]+)</centre>", xml)
            if instance and centre and centre[1].decode() in CENTRES and instance[1].decode() not in aside:
                found[instance[1].decode()] = xml
                if code := re.search(rb"<study_code>([0-9]{10})</study_code>", xml):
                    codes["first" if b"<round>first</round>" in xml else "follow_up"].add(code[1].decode())
    # A follow-up visit whose first one was set aside would rightly be found.
    lonely = {code.encode() for code in codes["follow_up"] - codes["first"]}
    return {key: xml for key, xml in found.items() if not any(b"<study_code>" + code in xml for code in lonely)}


def clean() -> World:
    """Give the world without faults."""
    return World(dict(_clean()))


def check(world: World, data: Path) -> dict[str, set[str]]:
    """Let a world land, run every check of the project over it, and give what is open.

    Returns
    -------
    dict
        By rule id: the submissions, or for a finding about a group the group.
    """
    this = pipeline.Run("run-1", "cli", read_settings(HOUSE, data=data, phones=()))
    pipeline.land_forms(this, pipeline.silent)
    submissions = [
        Submission(FORM, _version(xml), key, None, xml, Status.FINALISED, "phones", None)
        for key, xml in world.payloads.items()
    ]
    with duckdb.connect(str(this.settings.data_folder.warehouse)) as con:
        raw.land(con, this.settings.data_folder, submissions, this.run_id)
    for step in (pipeline.read, pipeline.stand, pipeline.check):
        step(this, pipeline.silent)
    found: dict[str, set[str]] = defaultdict(set)
    with duckdb.connect(str(this.settings.data_folder.warehouse), read_only=True) as con:
        for rule_id, submission_id, row in con.execute(
            'select rule_id, submission_id, "row" from quality.findings where is_open'
        ).fetchall():
            found[rule_id].add(submission_id or row)
    return dict(found)


def _version(xml: bytes) -> str:
    found = re.search(rb'version="([0-9]+)"', xml)
    assert found
    return found[1].decode()


FAULTS: dict[str, Callable[[World], Collection[str]]] = {}
"""By id of the check: plants its fault and gives where it must be found, submissions or groups."""


def fault(check_id: str) -> Callable[[Callable[[World], Collection[str]]], Callable[[World], Collection[str]]]:
    """Register the fault of a check."""

    def register(plant: Callable[[World], Collection[str]]) -> Callable[[World], Collection[str]]:
        assert check_id not in FAULTS
        FAULTS[check_id] = plant
        return plant

    return register


def _massaged(given: Mapping[str, str]) -> bool:
    return given["performed"] == "yes" and given["contraindicated"] == "no"


def _weighed(given: Mapping[str, str]) -> bool:
    return "weight" in given and 0 <= int(given["days_postpartum"]) < 28


def _another(number: int) -> str:
    """Give a study code that no record of the sample has."""
    return study_code(98_000_000 + number)


@fault("duplicate_mother")
def _(world: World) -> Collection[str]:
    one, other = world.take(), world.take()
    return one, world.recode(other, world.answers(one)["study_code"])


@fault("duplicate_follow_up")
def _(world: World) -> Collection[str]:
    one = world.take_follow_up()
    return one, world.copy(one)


@fault("same_phone")
def _(world: World) -> Collection[str]:
    one, other = (world.take(lambda given: "phone" in given) for _ in range(2))
    return one, world.set(other, phone=world.answers(one)["phone"])


@fault("nearly_the_same_interview")
def _(world: World) -> Collection[str]:
    one = world.take(lambda given: "phone" not in given and given["code_entry"] == "type")
    again = world.copy(one)
    return one, world.recode(again, _another(1))


@fault("follow_up_without_first")
def _(world: World) -> Collection[str]:
    return (world.recode(world.take_follow_up(), _another(2)),)


@fault("birth_date_differs_between_visits")
def _(world: World) -> Collection[str]:
    key = world.take_follow_up()
    return (world.set(key, birth_date="2026-09-30"),)


@fault("contraindicated_massage")
def _(world: World) -> Collection[str]:
    key = world.take(lambda given: _massaged(given) and given["taught_today"] == "no")
    return (world.set(key, medication="yes"),)


@fault("harm_reported")
def _(world: World) -> Collection[str]:
    key = world.take(lambda given: _massaged(given) and given["taught_today"] == "no")
    return (world.set(key, harm="pain"),)


@fault("taught_despite_harm")
def _(world: World) -> Collection[str]:
    key = world.take(lambda given: _massaged(given) and given["taught_today"] == "yes")
    world.also["harm_reported"].add(key)
    return (world.set(key, harm="bruise dizziness"),)


@fault("massage_against_protocol")
def _(world: World) -> Collection[str]:
    key = world.take(lambda given: given.get("region") == "upper_back" and given["pressure"] == "gentle")
    return (world.set(key, pressure="strong"),)


@fault("unusual_age")
def _(world: World) -> Collection[str]:
    return (world.set(world.take(), age="50"), world.set(world.take(), age="14"))


@fault("unusual_minutes")
def _(world: World) -> Collection[str]:
    return (world.set(world.take(_massaged), minutes="31"), world.set(world.take(_massaged), minutes="1"))


@fault("unusual_weight_newborn")
def _(world: World) -> Collection[str]:
    light, heavy = world.set(world.take(_weighed), weight="1499"), world.set(world.take(_weighed), weight="6501")
    world.also["weight_far_from_others"].add(heavy)
    return light, heavy


def _aged(world: World, days: int, weight: str) -> str:
    """Make an infant of a certain age and weight."""
    key = world.take(lambda given: "weight" in given)
    born = date.fromisoformat(world.answers(key)["date"]) - timedelta(days=days)
    return world.set(key, birth_date=born.isoformat(), days_postpartum=str(days), weight=weight)


@fault("unusual_weight_to_three_months")
def _(world: World) -> Collection[str]:
    return _aged(world, 70, "1999"), _aged(world, 91, "9501")


@fault("unusual_weight_older")
def _(world: World) -> Collection[str]:
    return _aged(world, 92, "3499"), _aged(world, 730, "17501")


@fault("weight_far_from_others")
def _(world: World) -> Collection[str]:
    # As many grams as are still usual for the age, and not among these infants.
    return (_aged(world, 50, "9400"),)


def _measure(world: World, key: str, before: str, after: str) -> str:
    """Let oxytocin have been measured."""
    at = world.answers(key)["start"]
    taken = (
        f"<measured>yes</measured><unit>pg_ml</unit><before_value>{before}</before_value><before_at>{at}</before_at>"
        f"<after_value>{after}</after_value><after_at>{at.replace('T0', 'T1')}</after_at><laboratory>x</laboratory>"
    )
    assert b"<measured>no</measured>" in world.payloads[key]
    world.payloads[key] = world.payloads[key].replace(b"<measured>no</measured>", taken.encode())
    return key


def _measured(world: World, before: str, after: str) -> str:
    """Spoil one of many measurements, whose levels are 10 to 14 before and 20 to 24 after; gives the spoilt one."""
    keys = [world.take(lambda given: given["measured"] == "no") for _ in range(21)]
    for number, key in enumerate(keys[1:]):
        _measure(world, key, str(10 + number % 5), str(20 + number % 5))
    return _measure(world, keys[0], before, after)


@fault("level_before_far_from_others")
def _(world: World) -> Collection[str]:
    return (_measured(world, "120", "22"),)


@fault("level_after_far_from_others")
def _(world: World) -> Collection[str]:
    return (_measured(world, "12", "220"),)


@fault("times_kept")
def _(world: World) -> Collection[str]:
    return (world.set(world.take(), end=""),)


@fault("ended_before_it_began")
def _(world: World) -> Collection[str]:
    key = world.take()
    return (world.set(key, end=world.answers(key)["start"]),)


@fault("phone_clock")
def _(world: World) -> Collection[str]:
    return (world.set(world.take(), today="2026-09-30"),)


@fault("outdated_form")
def _(world: World) -> Collection[str]:
    key = world.take(old=True)
    return (world.set(key, today="2026-11-30"),)


@fault("position_too_coarse")
def _(world: World) -> Collection[str]:
    key = world.take(lambda given: "position" in given)
    point = world.answers(key)["position"].split()
    return (world.set(key, position=" ".join([*point[:3], "51.0"])),)
