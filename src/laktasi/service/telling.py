"""How `laktasi up` is, in words: for those who look from outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from laktasi.paths import DataFolder
from laktasi.service.place import Place, is_up


def lines_of(folder: DataFolder, *, in_full: bool = False) -> list[str]:
    """Say whether `laktasi up` is at work in a data folder, and what troubles it; nothing where it never was.

    Parameters
    ----------
    in_full
        Name the coming runs too, and say so where it never was at work.
    """
    place = Place(folder)
    state = place.read_state()
    if not state:
        return ["laktasi up has never been at work here. Next: laktasi up"] if in_full else []
    if not is_up(place):
        at = datetime.fromisoformat(state["written_at"]).astimezone()
        return [f"laktasi up is not at work; it last was on {at:%Y-%m-%d %H:%M}. No run starts by itself."]
    if state["trouble"]:
        lines = [f"laktasi up is at work without Prefect: {state['trouble']}", *_last_without(state)]
    elif state["is_useful"]:
        lines = [f"laktasi up is at work: {state['address']}"]
    else:
        lines = ["laktasi up is starting."]
    if in_full:
        lines += [f"  next: {line}" for line in state["next"]] + [f"  the log: {place.log}"]
    elif state["next"]:
        lines.append(f"  next: {state['next'][0]}")
    return lines


def _last_without(state: Mapping[str, Any]) -> list[str]:
    if not (runs := state.get("without_prefect")):
        return []
    at = datetime.fromisoformat(runs[-1]["at"]).astimezone()
    how = {"COMPLETED": "ended well", "CRASHED": "was killed"}.get(runs[-1]["state"], "failed")
    return [f"  the latest run without Prefect {how} on {at:%Y-%m-%d %H:%M}"]
