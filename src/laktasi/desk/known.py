"""What commands of the desk need to know of a project: its forms, and the key of its hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from laktasi.forms import known_forms
from laktasi.settings import Settings

if TYPE_CHECKING:
    import duckdb

    from laktasi.store.forms import Questionnaires


def questionnaires_of(con: duckdb.DuckDBPyConnection) -> Questionnaires:
    """Give every form version that raw keeps and that can be read."""
    return known_forms(con).questionnaires


def key_for(con: duckdb.DuckDBPyConnection, settings: Settings) -> bytes:
    """Give the key that new hashes are made with. It is made only where no decision has a hash yet.

    Raises
    ------
    WarehouseError
        A decision has one, and the key is lost; or it cannot be read or made.
    """
    from laktasi.quality.decisions import read_decisions
    from laktasi.secret import KEYED, key_of
    from laktasi.store.sql import scalar

    is_used = any((item.expected or "").startswith(KEYED) for item in read_decisions(settings.folders.corrections))
    landed = scalar(con, "select count(*) from quality.decisions where starts_with(expected, ?)", [KEYED])
    return key_of(settings.data_folder, is_used=is_used or landed > 0)
