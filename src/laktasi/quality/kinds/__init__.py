"""The kinds of declared checks: one small module for each family."""

from __future__ import annotations

from collections.abc import Mapping

from laktasi.quality.kinds import keys, rows, share, values
from laktasi.quality.kinds.model import Kind

KINDS: Mapping[str, Kind] = {kind.name: kind for module in (rows, keys, values, share) for kind in module.KINDS}
"""Every kind that checks.yml can name, by its name."""
