"""What sets up ODK Collect on a phone: settings as JSON, and the text of the QR code that carries them.

Keys and values are those of Collect's client-settings schema, version 2026.2: a key or value that it does not know is
passed over by the phone in silence.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

LANGUAGES = {"id": "in", "en": "en"}
"""Our codes of languages to Collect's: it still has Java's old code for Indonesian."""


def collect_settings(
    server: str, project_id: int, token: str, *, project_name: str, code: str, language: str
) -> dict[str, Any]:
    """Give the settings of one app user's phone.

    Parameters
    ----------
    server
        Address of Central as the phone reaches it, ``https://…``.
    token
        The app user's key: whoever has it may send as this person.
    project_name
        What Collect shows at the top.
    code
        The enumerator's code: fills the form's ``username``, where the form asks the phone for it.
    language
        ``id`` or ``en``.
    """
    return {
        "general": {
            "server_url": f"{server.rstrip('/')}/v1/key/{token}/projects/{project_id}",
            # The phone has the forms of its app user, no others, and new versions without a tap.
            "form_update_mode": "match_exactly",
            "autosend": "wifi_and_cellular",
            # What was sent stays on the phone: it can be edited there, and copied where the network failed.
            "delete_send": False,
            "app_language": LANGUAGES[language],
            "metadata_username": code,
        },
        "admin": {},
        "project": {"name": project_name},
    }


def as_qr_text(settings: Mapping[str, Any]) -> str:
    """Write settings as Collect reads them from a QR code: JSON in UTF-8, compressed by zlib, in base64."""
    plain = json.dumps(settings, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(plain, 9)).decode("ascii")
