"""Make the sample's back checks: ``python -m tests.engine.back_checks`` writes back_check.zip and back_check.json.

Some sixty mothers of the main sample are asked again, by four checkers with four phones. What differs is planted, and
listed with everything that must come of it; where nothing is planted, both answers are the same.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.engine import sample
from tests.engine.collect import Instance, folder_name, instances_db
from tests.engine.engine import Form
from tests.engine.interview import Value
from tests.engine.mothers import SEED, study_code
from tests.engine.plan import plan
from tests.engine.preload import Meta
from tests.engine.visits import VERSION as MAIN_VERSION
from tests.engine.visits import Visit, instance_id

FORM_ID = "back_check"
FORM_NAME = "Cek ulang ibu nifas"
VERSION = "2026101201"
WORKBOOK = sample.XLSFORMS / "back_check.xlsx"
ARCHIVE = sample.SAMPLE / "back_check.zip"
PLANTED = sample.SAMPLE / "back_check.json"

CHECKERS = {"S01": 9, "S02": 10, "S03": 11, "S04": 12}
"""Each with the number of a phone."""
OFFSET = "+08:00"
EACH = 2
"""Back checks of every enumerator."""
CARELESS, OF_CARELESS = "E05", 8
"""Who got facts wrong that never change, and how often that one was checked."""

SAME = {
    "age": ("mother/age", "facts/age"),
    "gravida": ("obstetric/gravida", "facts/gravida"),
    "parity": ("obstetric/parity", "facts/parity"),
    "infant_sex": ("infant/sex", "facts/sex"),
    "massage_performed": ("massage/performed", "massage/performed"),
    "massage_provider": ("massage/provider", "massage/provider"),
    "massage_frequency": ("massage/frequency", "massage/frequency"),
    "feeding": ("infant/feeding", "infant/feeding"),
    "infant_weight": ("infant/weight", "infant/weight"),
}
"""By variable of back_checks.yml: the question of the main form, and that of the back check."""


@dataclass(frozen=True, slots=True)
class BackCheck:
    """One back check."""

    of: Visit
    checker: str
    start: datetime
    """By the phone's clock."""
    instance_id: str
    answers: dict[str, Value]
    state: str
    """What must become of it, see marts.back_checks."""
    differences: dict[str, bool] = field(default_factory=dict)
    """By variable that differs: whether by no more than the ok range allows."""


def make_plan() -> list[BackCheck]:
    """Plan all of them: who is asked again by whom, and what differs."""
    random = Random(f"{SEED}/back_checks")
    visits = [item.visit for item in plan(sample.centres()) if not item.is_copy and not item.clock]
    firsts = Counter(visit.mother.study_code for visit in visits if _is_first(visit))
    edited = {visit.first.instance_id for visit in visits if visit.replaces}
    good = [
        visit
        for visit in visits
        if _is_first(visit)
        and firsts[visit.mother.study_code] == 1
        and not visit.faults
        and visit.instance_id not in edited
        and visit.replaces is None
        and visit.version == MAIN_VERSION  # the older one did not ask all of it
    ]
    twice = next(visit for visit in visits if _is_first(visit) and firsts[visit.mother.study_code] > 1)
    random.shuffle(good)
    by_enumerator: dict[str, list[Visit]] = {}
    for visit in good:
        by_enumerator.setdefault(visit.enumerator, []).append(visit)
    chosen = []
    for enumerator, of in sorted(by_enumerator.items()):
        count = OF_CARELESS if enumerator == CARELESS else EACH
        chosen += [of.pop() for _ in range(count)]
    done = [_asked_again(visit, number, "compared", random) for number, visit in enumerate(chosen)]
    done = _plant(done)
    rest = [visit for of in by_enumerator.values() for visit in of][: len(done)]
    return [*done, *_others(done, rest, twice, random)]


def _is_first(visit: Visit) -> bool:
    return visit.answers.get("visit/round") == "first" and visit.status != "incomplete"


def _asked_again(visit: Visit, number: int, state: str, random: Random) -> BackCheck:
    checker = list(CHECKERS)[number % len(CHECKERS)]
    day = visit.start.date() + timedelta(days=random.randint(2, 6))
    start = datetime.combine(day, time(9 + number % 6, number % 60, number % 60))
    answers: dict[str, Value] = {
        "visit/date": day,
        "visit/checker": checker,
        "visit/way": random.choice(("visit", "visit", "phone")),
        "mother/code_entry": "type",
        "mother/code_typed": visit.mother.study_code,
        "mother/found": "yes",
        "consent/agreed": "yes",
        "facts/interviewed": "yes",
        **{again: visit.answers.get(original) for original, again in SAME.values()},
    }
    return BackCheck(visit, checker, start, instance_id(FORM_ID, number), answers, state)


def _plant(done: Sequence[BackCheck]) -> list[BackCheck]:
    """Let answers differ: type 1 with one careless enumerator, types 2 and 3 here and there."""
    careless = [item for item in done if item.of.enumerator == CARELESS]
    others = [item for item in done if item.of.enumerator != CARELESS]
    massaged = [item for item in others if item.answers["massage/performed"] == "yes"]
    weighed = [item for item in others if item.answers["infant/weight"] is not None]
    for item in careless[:6]:
        _differ(item, "age", _number(item, "age") + 4)
        _differ(item, "gravida", _number(item, "gravida") + 2)
        _differ(item, "parity", _number(item, "parity") + 1)
    careless[0].answers["facts/interviewed"] = "no"
    for item in others[:5]:
        _differ(item, "age", _number(item, "age") + 1, is_within=True)
    _differ(others[5], "infant_sex", "male" if others[5].answers["facts/sex"] == "female" else "female")
    for item in massaged[:4]:
        _differ(item, "massage_provider", _other(item, "massage_provider", ("midwife", "volunteer", "husband")))
    for item in massaged[4:6]:
        # Nothing is asked about a massage that there was not, so nothing of it is compared.
        _differ(item, "massage_performed", "no")
        item.answers.update({"massage/provider": None, "massage/frequency": None})
    for item in massaged[6:12]:
        _differ(item, "massage_frequency", _other(item, "massage_frequency", ("once", "two_three", "daily")))
    for item in massaged[12:14]:
        item.answers["massage/frequency"] = "unknown"
    for item in others[20:25]:
        _differ(item, "feeding", _other(item, "feeding", ("mixed", "breast_only")))
    for item in others[25:28]:
        item.answers["infant/feeding"] = "unknown"
    for number, item in enumerate(weighed[:12]):
        _differ(item, "infant_weight", round(_number(item, "infant_weight") * (1.02 + number / 1000)), is_within=True)
    for item in weighed[12:16]:
        _differ(item, "infant_weight", round(_number(item, "infant_weight") * 1.12))
    for item in weighed[16:18]:
        item.answers["infant/weight"] = None
    return list(done)


def _differ(item: BackCheck, variable: str, answer: Value, *, is_within: bool = False) -> None:
    item.answers[SAME[variable][1]] = answer
    item.differences[variable] = is_within


def _number(item: BackCheck, variable: str) -> int:
    answer = item.answers[SAME[variable][1]]
    assert isinstance(answer, int)
    return answer


def _other(item: BackCheck, variable: str, choices: Iterable[str]) -> str:
    return next(choice for choice in choices if choice != item.answers[SAME[variable][1]])


def _others(done: Sequence[BackCheck], rest: Sequence[Visit], twice: Visit, random: Random) -> Iterator[BackCheck]:
    """Give the back checks of which nothing is compared."""
    number = len(done)
    for visit, answers in (
        (rest[0], {"mother/found": "no", "mother/not_found_reason": "moved"}),
        (rest[1], {"mother/found": "no", "mother/not_found_reason": "no_answer"}),
        (rest[2], {"consent/agreed": "no"}),
    ):
        item = _asked_again(visit, number, "attempted", random)
        item.answers.update(answers)
        yield item
        number += 1
    nobody = _asked_again(rest[3], number, "no_original", random)
    nobody.answers["mother/code_typed"] = study_code(97_000_001)
    yield nobody
    yield _asked_again(twice, number + 1, "several_originals", random)
    first = done[0]
    again = _asked_again(first.of, number + 2, "repeated", random)
    later = first.start + timedelta(days=9)
    again.answers["visit/date"] = later.date()
    yield BackCheck(again.of, again.checker, later, again.instance_id, again.answers, again.state)


def make(form: Form, item: BackCheck) -> Instance:
    """Fill one, and put it into its folder with the audit log that Collect writes."""
    end = item.start + timedelta(minutes=6)
    meta = Meta(
        start=f"{item.start:%Y-%m-%dT%H:%M:%S}.000{OFFSET}",
        end=f"{end:%Y-%m-%dT%H:%M:%S}.000{OFFSET}",
        today=f"{item.start:%Y-%m-%d}",
        instance_id=item.instance_id,
        device_id=f"collect:contoh{CHECKERS[item.checker]:010d}",
    )
    filled = form.fill(item.answers, meta=meta)
    assert not filled.refusals, filled.refusals
    name = folder_name(item.start, FORM_NAME)
    xml = filled.xml.replace(b"<audit />", b"<audit>audit.csv</audit>")
    changed = datetime.fromisoformat(f"{end:%Y-%m-%dT%H:%M:%S}{OFFSET}")
    files = {f"{name}.xml": xml, "audit.csv": _audit_log(filled.shown, meta.start, meta.end)}
    return Instance(name, files, "submitted", changed, VERSION, FORM_ID)


def _audit_log(shown: Sequence[str], start: str, end: str) -> bytes:
    """Write Collect's log: which question, from when to when, in milliseconds since 1970."""
    first, last = (int(datetime.fromisoformat(moment).timestamp() * 1000) for moment in (start, end))
    step = (last - first) // (len(shown) + 1)
    lines = ["event,node,start,end", f"form start,,{first},"]
    for number, path in enumerate(shown):
        lines.append(f"question,/data/{path},{first + number * step},{first + (number + 1) * step}")
    lines += [f"end screen,,{last - 900},{last}", f"form save,,{last},", f"form exit,,{last},"]
    return ("\n".join([*lines, f"form finalize,,{last},"]) + "\n").encode()


def files_of(items: Sequence[BackCheck], xform: bytes, form: Form) -> Iterator[tuple[str, bytes]]:
    """Give every file copied from the checkers' phones, by its path inside the archive."""
    for checker, phone in CHECKERS.items():
        place = f"phone-{phone:02d}/projects/DEMO"
        made = [make(form, item) for item in sorted(items, key=lambda item: item.start) if item.checker == checker]
        assert len({instance.folder for instance in made}) == len(made), "two instances in one folder"
        for instance in made:
            for name, content in instance.files.items():
                yield f"{place}/instances/{instance.folder}/{name}", content
        yield f"{place}/forms/{FORM_NAME}.xml", xform
        yield f"{place}/metadata/instances.db", instances_db(made)


def manifest(items: Sequence[BackCheck]) -> dict[str, Any]:
    """List what must come of them."""
    compared: Counter[str] = Counter()
    for item in items:
        if item.state == "compared":
            for variable, (original, again) in SAME.items():
                answers = item.of.answers.get(original), item.answers[again]
                compared[variable] += None not in answers and "unknown" not in answers
    return {
        "notice": "Synthetic. Made by python -m tests.engine.back_checks; never edited by hand.",
        "states": {item.instance_id: item.state for item in sorted(items, key=lambda item: item.instance_id)},
        "compared": dict(sorted(compared.items())),
        "differences": [
            {"back_check": item.instance_id, "variable": variable, "is_within_ok_range": is_within}
            for item in sorted(items, key=lambda item: item.instance_id)
            for variable, is_within in sorted(item.differences.items())
        ],
        "alarming": [CARELESS],
        "never_interviewed": [item.instance_id for item in items if item.answers["facts/interviewed"] == "no"],
    }


def loaded_form() -> tuple[bytes, Form]:
    """Convert the workbook, and load it in the engine."""
    from pyxform.xls2xform import convert

    xform = convert(xlsform=WORKBOOK).xform.encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "back_check.xml"
        path.write_bytes(xform)
        return xform, Form.load(path)


def write() -> None:
    """Make the archive and the list of what was planted."""
    items = make_plan()
    files: Mapping[str, bytes] = dict(files_of(items, *loaded_form()))
    ARCHIVE.write_bytes(sample.archive([("BACA SAYA - READ ME.txt", sample.NOTICE.encode()), *files.items()]))
    PLANTED.write_text(json.dumps(manifest(items), indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{ARCHIVE.name}: {len(items)} back checks, {ARCHIVE.stat().st_size / 1e3:.0f} kB\n")


if __name__ == "__main__":
    write()
