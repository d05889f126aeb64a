"""planted.json: what is in the sample, and every finding that must come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tests.engine.faults import FAULTS, REFUSED_FILES, TORN, WAITING
from tests.engine.mothers import SEED
from tests.engine.plan import PHONES_WITH_ONLY_INSTANCES, PHONES_WITHOUT_LIST, Item
from tests.engine.visits import OLD_VERSION, Visit

NOTICE = "Synthetic. Made by python -m tests.engine.sample; never edited by hand."
HOW_TO_READ = {
    "findings": "each must be found, and no other: submission (first instance ID of its chain), kind, field, or the id "
    "of the declared check; at a field of kind type other rules of that same field may fail too",
    "centres": "submissions that are neither drafts nor waiting, each chain of edits and each copy once; "
    "by the centre that was truly visited",
}


def manifest(items: Sequence[Item]) -> dict[str, Any]:
    """List counts and planted faults of a plan."""
    chains: dict[str, Visit] = {}
    for item in items:
        if not item.is_copy:
            # Later edits stand after what they replace.
            chains[item.visit.first.instance_id] = item.visit
    drafts = sorted(key for key, visit in chains.items() if visit.status == "incomplete")
    waiting = sorted(key for key, visit in chains.items() if WAITING in visit.faults)
    staged = {key: visit for key, visit in chains.items() if key not in {*drafts, *waiting}}
    return {
        "notice": NOTICE,
        "how_to_read": HOW_TO_READ,
        "seed": SEED,
        "counts": {
            "folders": len(items) + len(REFUSED_FILES) + 2,
            "submissions": len(chains) + 1,
            "staged": len(staged),
            "drafts": len(drafts),
            "waiting": len(waiting) + 1,
            "refused_files": len(REFUSED_FILES) + 1,
            "status_unknown": sum(
                visit.phone in (*PHONES_WITHOUT_LIST, *PHONES_WITH_ONLY_INSTANCES) for visit in staged.values()
            ),
        },
        "centres": _centres(staged),
        "findings": sorted(_findings(staged), key=lambda finding: tuple(finding.values())),
        "drafts": drafts,
        "waiting": [*waiting, "uuid:7a2d2b0e-4f0e-4c7e-9b0a-5a5a5a5a5a5a"],
        "edits": [
            {
                "submission": visit.first.instance_id,
                "instance": visit.instance_id,
                "replaces": visit.replaces.instance_id,
            }
            for visit in (item.visit for item in items)
            if visit.replaces
        ],
        "copies": sorted(item.visit.instance_id for item in items if item.is_copy),
        "refused_files": [TORN, *REFUSED_FILES],
    }


def _centres(staged: dict[str, Visit]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for visit in staged.values():
        kind = str(visit.answers.get("visit/round", "refused"))
        counts.setdefault(visit.mother.centre.code, Counter())[kind] += 1
    kinds = ("first", "follow_up", "refused")
    return {code: {kind: counted[kind] for kind in kinds} for code, counted in sorted(counts.items())}


def _findings(staged: dict[str, Visit]) -> list[dict[str, str]]:
    by_name = {fault.name: fault for fault in FAULTS}
    found = []
    firsts = [visit for visit in staged.values() if _is_first(visit)]
    mothers = Counter(visit.mother.study_code for visit in firsts)
    phones = Counter(visit.answers.get("mother/phone") for visit in firsts)
    codes = {visit.mother.study_code for visit in firsts if "check_digits_wrong" not in visit.faults}
    for key, visit in staged.items():
        for name in visit.faults:
            if name in by_name:
                fault = by_name[name]
                found.append({"submission": key, "kind": fault.kind, "field": fault.field, "fault": name})
            else:
                found.append(_declared(key, name))
        found += [_declared(key, check) for check in _about_massage(visit)]
        if _is_first(visit) and mothers[visit.mother.study_code] > 1:
            # The same mother, asked the same things: as a rule the answers are the same too.
            found += [_declared(key, check, "set") for check in ("duplicate_mother", "nearly_the_same_interview")]
        if _is_first(visit) and visit.answers.get("mother/phone") and phones[visit.answers["mother/phone"]] > 1:
            found.append(_declared(key, "same_phone", "set"))
        if visit.answers.get("visit/round") == "follow_up" and visit.mother.study_code not in codes:
            found.append(_declared(key, "follow_up_without_first", "set"))
    return found


def _about_massage(visit: Visit) -> Iterator[str]:
    """Give the checks of a mother's safety that a visit fails, by what was answered."""
    if visit.answers.get("massage/performed") == "yes":
        unknown = "unknown_choice_among_several" in visit.faults
        if unknown or visit.answers.get("massage/harm", ["none"]) != ["none"]:
            yield "harm_reported"
            if visit.answers.get("massage/taught_today") == "yes":
                yield "taught_despite_harm"
        is_strong = visit.version != OLD_VERSION and visit.answers["massage/pressure"] == "strong"
        if is_strong and visit.answers["massage/region"] != "neck_to_t12":
            yield "massage_against_protocol"


def _is_first(visit: Visit) -> bool:
    return visit.answers.get("visit/round") == "first"


def _declared(key: str, check: str, kind: str = "declared") -> dict[str, str]:
    return {"submission": key, "kind": kind, "field": "", "fault": check}
