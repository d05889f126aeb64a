"""The way of a record, step by step. The only place that knows all rooms; the flows and the command line both call it.

A step opens the warehouse, does one thing in it and closes it again. Each is idempotent and reads only what earlier
steps have committed, so a run that was killed anywhere is finished by the next one. Here stands their order; what each
does is in :mod:`.landing`, :mod:`.working` and :mod:`.ending`, and how they are walked in :mod:`.walking`.
"""

from __future__ import annotations

from laktasi.pipeline.ending import manifest_of, pass_gate, publish, report, write_down, write_report
from laktasi.pipeline.landing import land_forms, land_phones, pull_central, reconcile, reconcile_thoroughly
from laktasi.pipeline.walking import Call, Counts, Progress, Run, Step, directly, silent, walk
from laktasi.pipeline.working import analyse, check, clean, correct, decide, declare, forget, mart, read, stand

__all__ = [
    "AGAIN",
    "ANALYSING",
    "CENTRAL",
    "CLOSE",
    "DECIDE",
    "FORMS",
    "GATE",
    "IMPORTING",
    "LANDING",
    "PHONES",
    "PROVING",
    "READ",
    "READING",
    "RECOMPUTING",
    "RECONCILE",
    "SOURCES",
    "STAND",
    "WAY",
    "WORK",
    "Call",
    "Counts",
    "Progress",
    "Run",
    "Step",
    "analyse",
    "check",
    "clean",
    "close",
    "correct",
    "decide",
    "declare",
    "directly",
    "forget",
    "land_forms",
    "land_phones",
    "manifest_of",
    "mart",
    "pass_gate",
    "publish",
    "pull_central",
    "read",
    "reconcile",
    "reconcile_thoroughly",
    "report",
    "silent",
    "stand",
    "walk",
    "write_report",
]


def close(run: Run, _progress: Progress) -> Counts:
    """Write down what the steps before it did: the one step that looks back over the way."""
    return write_down(run, SOURCES, WORK)


# The steps, in the order in which they happen.

FORMS = Step("forms", land_forms, lands=True)
PHONES = Step("phones", land_phones, lands=True)
CENTRAL = Step("central", pull_central, lands=True)
RECONCILE = Step("reconcile", reconcile, lands=True)
SOURCES = (FORMS, PHONES, CENTRAL, RECONCILE)
READ = Step("read", read)
STAND = Step("stand", stand)
DECIDE = Step("decide", decide)
WORK = (
    Step("declare", declare),
    DECIDE,
    READ,
    Step("correct", correct),
    Step("forget", forget),
    STAND,
    Step("check", check),
    Step("mart", mart),
    Step("analyse", analyse),
    Step("clean", clean),
)
GATE = Step("gate", pass_gate)
CLOSE = Step("close", close)
READING = (Step("publish", publish), Step("report", report))

IMPORTING = (FORMS, PHONES, CLOSE)
LANDING = (*SOURCES, CLOSE)
PROVING = (FORMS, CENTRAL, Step("reconcile", reconcile_thoroughly, lands=True), CLOSE)
ANALYSING = (*WORK, GATE, CLOSE, *READING)
RECOMPUTING = tuple(step for step in WORK if step is not DECIDE)
"""From what has landed to results, people's decisions among it: schemas/corrections/ may have newer ones."""
AGAIN = (*RECOMPUTING, GATE, CLOSE, *READING)
WAY = (*SOURCES, *ANALYSING)
