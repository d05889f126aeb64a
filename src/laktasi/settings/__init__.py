"""Settings, from one file (laktasi.toml in the project) and the environment (LAKTASI_…), read in one place.

The environment wins over the project's private file (:mod:`.private_file`), and that over laktasi.toml. What there is
to set stands in :mod:`.models`, :mod:`.central` and :mod:`.lake`; :mod:`.reading` reads it, with :mod:`.environment`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from laktasi.settings.central import CentralSettings, address_of
    from laktasi.settings.environment import NOT_SETTINGS
    from laktasi.settings.lake import LakeSettings
    from laktasi.settings.models import (
        PREFIX,
        BackupSettings,
        FeedbackSettings,
        Matter,
        NotifySettings,
        Settings,
        UpSettings,
    )
    from laktasi.settings.reading import read_settings, read_settings_alone

__all__ = [
    "NOT_SETTINGS",
    "PREFIX",
    "BackupSettings",
    "CentralSettings",
    "FeedbackSettings",
    "LakeSettings",
    "Matter",
    "NotifySettings",
    "Settings",
    "UpSettings",
    "address_of",
    "read_settings",
    "read_settings_alone",
]

_ELSEWHERE = {
    "NOT_SETTINGS": "environment",
    "CentralSettings": "central",
    "address_of": "central",
    "LakeSettings": "lake",
    "read_settings": "reading",
    "read_settings_alone": "reading",
}
"""Modules of the names that are not in models."""


if not TYPE_CHECKING:  # else the checker would take every name for one of this package

    def __getattr__(name: str) -> Any:
        """Load a module once a name of it is asked for: the private file is read where pydantic is broken, too."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'models')}"), name)
