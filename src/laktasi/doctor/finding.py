"""What one look at one thing has to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from laktasi.errors import LaktasiError

State = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing, and how it is. Never holds an answer, a key or a password."""

    name: str
    """Of the thing that was looked at."""
    state: State
    """`warning`: it will trouble somebody later; `wrong`: it does now."""
    sentence: str
    next_step: str = ""


def ok(name: str, sentence: str) -> Finding:
    """Say that a thing is as it should be."""
    return Finding(name, "ok", sentence)


def warning(name: str, sentence: str, next_step: str) -> Finding:
    """Say what will trouble somebody later."""
    return Finding(name, "warning", sentence, next_step)


def wrong(name: str, sentence: str, next_step: str) -> Finding:
    """Say what keeps things from working."""
    return Finding(name, "wrong", sentence, next_step)


def of_error(name: str, error: LaktasiError, state: State = "wrong") -> Finding:
    """Say what an error says."""
    return Finding(
        name, state, ". ".join(part.rstrip(".") for part in (error.what, error.why) if part), error.next_step
    )
