"""One page of paper for one enumerator: the QR code that sets up the phone, and what to do in plain words.

Steps name the buttons of ODK Collect 2026.3 as its own translations call them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.errors import LaktasiError
from laktasi.report.html import emphasised, hash_of, read_beside, templates, write_privately

if TYPE_CHECKING:
    from jinja2 import Template

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one sheet says."""

    code: str
    name: str = field(repr=False)
    language: str
    """``id`` or ``en``: the language that stands first, in big type. The other stands under it."""
    project: str
    """As Central and the phone call it."""
    server: str
    forms: tuple[str, ...]
    """Titles of the forms that come to this phone."""
    is_editable: bool
    """What was sent may be changed on the phone, in every one of these forms."""
    qr: str = field(repr=False)
    """Text of the QR code. It holds the key of the app user."""


SIZES = {"short": 6, "medium": 12, "long": 20}
"""Of the code's type, and how many letters fit in each."""
STEPS: tuple[Text, ...] = (
    {
        "id": "Pasang **ODK Collect** dari Play Store, selagi ada sinyal. Pasang juga kunci layar HP.",
        "en": "Install **ODK Collect** from the Play Store while there is a signal. Set a screen lock, too.",
    },
    {
        "id": "Buka Collect, tekan **Konfigurasi dengan QR kode**, arahkan kamera ke kotak di atas. Sudah ada "
        "proyek lain di HP? Tekan lambang proyek di kanan atas, lalu **Tambahkan proyek**.",
        "en": "Open Collect, tap **Configure with QR code**, point the camera at the square above. Another project "
        "on the phone already? Tap the project's icon at the top right, then **Add project**.",
    },
    {
        "id": "Tunggu sebentar: formulir datang sendiri. Tekan **Mulai isi formulir** dan pilih formulirnya. Belum "
        "ada? Tekan panah melingkar di atas (**Memuat Ulang**).",
        "en": "Wait a little: forms come by themselves. Tap **Start new form** and choose the form. Not there? Tap the "
        "round arrow at the top (**Refresh**).",
    },
    {
        "id": "Isi sampai halaman akhir, periksa, lalu tekan **Kirim** (atau **Finalisasi**). Belum selesai? **Simpan "
        "sebagai draf**.",
        "en": "Fill it in to the last page, check, then tap **Send** (or **Finalize**). Not finished? **Save as "
        "draft**.",
    },
    {
        "id": "Tidak ada jaringan? Teruskan saja. Semua tersimpan di HP dan terkirim sendiri begitu ada sinyal. "
        "Yang masih di **Siap kirim** belum sampai; yang sudah sampai ada di **Terkirim**.",
        "en": "No network? Just go on. Everything is kept on the phone and sent by itself once there is a signal. "
        "What is still in **Ready to send** has not arrived; what has arrived is in **Sent**.",
    },
    {
        "id": "Berhari-hari tanpa sinyal? Bawa HP ke pengelola data. **Jangan** hapus Collect atau datanya: yang belum "
        "terkirim ikut hilang.",
        "en": "Days without a signal? Bring the phone to the data manager. Do **not** uninstall Collect or clear its "
        "data: what was not sent would be lost.",
    },
)
MISTAKE: Mapping[bool, Text] = {
    True: {
        "id": "Salah isi? Buka formulir itu di **Siap kirim** atau **Terkirim**, tekan lambang pensil, perbaiki, kirim "
        "lagi. Jangan mengisi formulir baru untuk orang yang sama.",
        "en": "A mistake? Open that form in **Ready to send** or **Sent**, tap the pencil, correct it, send it "
        "again. Do not fill in a new form for the same person.",
    },
    False: {
        "id": "Salah isi? Setelah dikirim tidak bisa diubah di HP. Catat kodenya dan hubungi pengelola data. Jangan "
        "mengisi formulir baru untuk orang yang sama.",
        "en": "A mistake? After sending it cannot be changed on the phone. Note the code and call the data manager. Do "
        "not fill in a new form for the same person.",
    },
}
WORDS: Mapping[str, Text] = {
    "title": {"id": "Lembar petugas", "en": "Enumerator's sheet"},
    "code": {"id": "Kode Anda", "en": "Your code"},
    "project": {"id": "Proyek", "en": "Project"},
    "forms": {"id": "Formulir", "en": "Forms"},
    "private": {"id": "RAHASIA", "en": "KEEP PRIVATE"},
    "key": {
        "id": "Kotak ini kunci Anda: siapa pun yang memindainya dapat mengirim atas nama Anda. Jangan difoto, jangan "
        "dibagikan, simpan di tempat aman. Lembar atau HP hilang? Hubungi pengelola data hari itu juga.",
        "en": "This square is your key: whoever scans it can send in your name. Do not photograph or share it, and "
        "keep it in a safe place. Sheet or phone lost? Call the data manager the same day.",
    },
    "manager": {"id": "Pengelola data", "en": "Data manager"},
    "phone": {"id": "Nomor HP", "en": "Phone"},
}


def write_sheet(target: Path, sheet: Sheet) -> None:
    """Write the sheet of one enumerator: one HTML file for A4, readable by its owner only.

    Raises
    ------
    LaktasiError
        The file cannot be written.
    """
    page = render_sheet(sheet)
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_privately(target, page)
    except OSError as error:
        raise LaktasiError(
            f"{target} cannot be written: {error.strerror or error}",
            next_step="free the file or its folder, then run the same command again",
        ) from error


def render_sheet(sheet: Sheet) -> str:
    """Make the page. The same sheet gives the same bytes."""
    from markupsafe import Markup

    template, style = _template()
    return template.render(
        sheet=sheet,
        size=next((size for size, letters in SIZES.items() if len(sheet.code) <= letters), "long"),
        languages=(sheet.language, "en" if sheet.language == "id" else "id"),
        steps=[emphasised(step) for step in (*STEPS, MISTAKE[sheet.is_editable])],
        words=WORDS,
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=hash_of(style),
        qr=Markup(_qr(sheet.qr)),  # noqa: S704 - drawn here
    )


@cache
def _template() -> tuple[Template, str]:
    """Give the page's template and its style, read once for all sheets."""
    environment = templates()
    return environment.get_template("sheet.html"), read_beside(environment, "sheet.css")


def _qr(text: str) -> str:
    """Draw a QR code. Paper gets dirty and folded: level M mends 15 percent of it."""
    import segno

    return segno.make(text, error="m", micro=False).svg_inline(border=4, omitsize=True, title="QR")
