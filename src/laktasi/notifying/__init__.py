"""Telling people what matters, where they are: by e-mail or chat, after a run.

A message names counts, rules, ids of records and codes of health centres. It never holds an answer or a name.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from laktasi.settings import Settings

__all__ = ["notify_after"]


def notify_after(
    settings: Settings | None,
    run_id: str | None,
    error: BaseException | None,
    *,
    door: str,
    project: Path | None = None,
    data: Path | None = None,
) -> None:
    """Tell people what a run that has just ended gives reason to tell. Never raises, and sends nothing twice.

    Parameters
    ----------
    settings
        Those of the run; None where they could not be read.
    run_id
        The run, if it has begun and its id is known.
    error
        What it ended with; None where it ended well.
    door
        ``prefect`` for a run by schedule. After any other somebody is looking, so nothing is sent, unless settings say
        so.
    project, data
        Where `settings` is None: what they were to be read of, to find the addresses all the same.
    """
