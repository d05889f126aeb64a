"""What a backup says of itself to a person who finds it."""

from __future__ import annotations

from datetime import datetime

from laktasi import __version__

_README = """This is a backup of the laktasi project "{project}", made {made_at} (UTC) by laktasi {version}.
{secrecy}
To put it back, on any computer with laktasi {version} or newer:

    laktasi restore "THIS FOLDER"

Ini adalah cadangan (backup) proyek laktasi "{project}", dibuat {made_at} (UTC) dengan laktasi {version}.
{kerahasiaan}
Untuk memulihkannya, di komputer mana pun dengan laktasi {version} atau yang lebih baru:

    laktasi restore "FOLDER INI"
"""
_SECRECY = {
    True: (
        "It is encrypted. The key is NOT in it: nobody can read it without, not even you.",
        "Isinya terenkripsi. Kuncinya TIDAK ada di sini: tanpa kunci itu tidak seorang pun dapat membacanya.",
    ),
    False: (
        "It is NOT encrypted: whoever holds it can read names and answers. Keep it locked away.",
        "Isinya TIDAK terenkripsi: siapa pun yang memegangnya dapat membaca nama dan jawaban. Simpan terkunci.",
    ),
}


def readme(project: str, made_at: datetime, *, is_encrypted: bool) -> str:
    """Write the page that lies in a backup, in both languages."""
    secrecy, kerahasiaan = _SECRECY[is_encrypted]
    return _README.format(
        project=project,
        made_at=f"{made_at:%Y-%m-%d %H:%M}",
        version=__version__,
        secrecy=secrecy,
        kerahasiaan=kerahasiaan,
    )
