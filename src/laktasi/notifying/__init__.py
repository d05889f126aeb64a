"""Telling people what matters, where they are: by e-mail or chat, after a run.

A message names counts, rules, ids of records and codes of health centres. It never holds an answer or a name.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from laktasi.settings import Settings

__all__ = ["notify_after"]

BY_SCHEDULE = "prefect"
_LOG = logging.getLogger(__name__)


def notify_after(
    settings: Settings | None,
    run_id: str | None,
    error: BaseException | None,
    *,
    door: str,
    project: Path | None = None,
    data: Path | None = None,
) -> None:
    """Tell people what a run that has just ended gives reason to tell. Never raises, and takes a minute or two at most.

    What is told is remembered, so an event is told once; what cannot be sent waits, and goes with a later one. Without
    addresses in the settings nothing is done at all. Nothing is told of a run that somebody stopped.

    Parameters
    ----------
    settings
        Those of the run; None where they could not be read.
    run_id
        The run, if its id is known.
    error
        What it ended with; None where it ended well.
    door
        ``prefect`` for a run by schedule. After any other somebody is looking, so only what waits is sent, unless
        settings say so (``notify.by_hand``).
    project, data
        Where `settings` is None: what they were to be read of, to find the addresses all the same.
    """
    if error is not None and not isinstance(error, Exception):
        return
    try:
        from laktasi.notifying.despite import settings_despite

        is_guessed = settings is None
        settings = settings or settings_despite(project, data)
        if settings.notify.to is None or settings.data_folder.derived_mark.exists():
            return
        from laktasi.notifying.telling import flush, tell

        if door == BY_SCHEDULE or settings.notify.by_hand:
            tell(settings, run_id, error, is_guessed=is_guessed)
        else:
            flush(settings)
    except Exception as failure:
        from laktasi.notifying.composing import what_of

        # Its words could hold an address.
        _LOG.warning("people could not be told what the run gave reason to tell: %s", what_of(failure))
