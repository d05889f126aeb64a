"""Backups: everything that cannot be made again, in a folder elsewhere, verified after writing; and back again."""

from __future__ import annotations

from laktasi.backing_up.files import in_words
from laktasi.backing_up.last import newest_backup
from laktasi.backing_up.making import BackedUp, back_up
from laktasi.backing_up.restoring import Restored, restore

__all__ = ["BackedUp", "Restored", "back_up", "in_words", "newest_backup", "restore"]
