"""Backups: everything that cannot be made again, in a folder elsewhere, verified after writing; and back again."""

from __future__ import annotations

from laktasi.backing_up.making import BackedUp, back_up, in_words, newest_backup, place_of

__all__ = ["BackedUp", "back_up", "in_words", "newest_backup", "place_of"]
