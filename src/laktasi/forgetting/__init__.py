"""The right to leave: everything of one person erased, wherever laktasi has put it, and kept away.

What is hers is found (:mod:`.seeking`), erased in one transaction with a tombstone, and what follows from that with
files is done after it (:mod:`.finishing`), by the command or by the next run. What comes back by a way that no door
sees (a correction gives a record her study code) is found by every run (:mod:`.sweeping`).
"""

from __future__ import annotations

from laktasi.forgetting.erasing import Forgotten, finish_all, forget
from laktasi.forgetting.seeking import Found, find
from laktasi.forgetting.sweeping import finish_left, sweep

__all__ = ["Forgotten", "Found", "find", "finish_all", "finish_left", "forget", "sweep"]
