"""The record of an erasure, for the file of the ethics committee: what was erased, when, by whom, what remains where.

In both languages. It has no answer and no name of hers. Her study code is written onto the printed page by hand: the
file has a line for it, and the keyed hash by which the code can be held against the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from laktasi.report.html import hash_of, read_beside, templates, write_privately

Text = Mapping[str, str]
LANGUAGES = ("id", "en")


@dataclass(frozen=True, slots=True)
class Remains:
    """Something that remains, or is to be done by hand."""

    what: str
    """A key of :data:`REMAINS`."""
    details: tuple[str, ...] = ()
    """Places and ids."""
    given: Mapping[str, str | int] = field(default_factory=dict)
    """What the text names."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What a record says."""

    project: str
    title: Text
    """Of the study; empty where there is none."""
    mark: str
    """The keyed hash of the study code."""
    erased_at: datetime
    erased_by: str
    why: str
    """``withdrew``, ``no_consent`` or ``ordered``."""
    run_id: str
    counts: Sequence[tuple[str, str, int]]
    """Kind of thing (a key of :data:`COUNTED`), form or list, how many."""
    remains: Sequence[Remains]
    version: str


WORDS: Mapping[str, Text] = {
    "title": {"id": "Catatan penghapusan data seorang peserta", "en": "Record of the erasure of a participant's data"},
    "project": {"id": "Proyek", "en": "Project"},
    "study": {"id": "Penelitian", "en": "Study"},
    "code": {"id": "Kode studi", "en": "Study code"},
    "by_hand": {"id": "tulis tangan pada cetakan", "en": "write it onto the printed page by hand"},
    "mark": {"id": "Tanda kode (hash berkunci)", "en": "Mark of the code (keyed hash)"},
    "when": {"id": "Dihapus pada (UTC)", "en": "Erased at (UTC)"},
    "by": {"id": "Oleh", "en": "By"},
    "why": {"id": "Alasan", "en": "Why"},
    "run": {"id": "Nomor proses", "en": "Run"},
    "erased": {"id": "Yang dihapus", "en": "What was erased"},
    "nothing": {
        "id": "Tidak ada datanya di sini. Apa pun yang datang dengan kode ini ditolak.",
        "en": "Nothing of hers was here. Whatever comes under this code is turned away.",
    },
    "everywhere": {
        "id": "Dari gudang data (semua versi, hasil olahan, temuan, keputusan tentangnya), lampiran, salinan"
        " penelitian, laporan, dan folder hari-hari lalu. Berkas gudang data ditulis ulang, sehingga bita lamanya"
        " hilang.",
        "en": "From the warehouse (all versions, what was derived, findings, decisions about her), attachments, the"
        " research copy, the report, and folders of earlier days. The warehouse file was written anew, so that its old"
        " bytes are gone.",
    },
    "remains": {
        "id": "Yang tersisa, dan yang masih harus dilakukan",
        "en": "What remains, and what is still to be done",
    },
    "signed": {"id": "Tanda tangan", "en": "Signature"},
    "made_by": {"id": "Dibuat oleh laktasi", "en": "Made by laktasi"},
}

WHY: Mapping[str, Text] = {
    "withdrew": {"id": "Ia menarik diri dari penelitian", "en": "She withdrew from the study"},
    "no_consent": {"id": "Persetujuan tidak pernah sah diberikan", "en": "Consent had never been given"},
    "ordered": {"id": "Perintah komite etik atau pengadilan", "en": "An ethics committee or a court ordered it"},
    "came_again": {"id": "Datanya datang lagi dan ditolak", "en": "Something of hers came again, and was turned away"},
}

COUNTED: Mapping[str, Text] = {
    "submission": {"id": "kiriman formulir", "en": "submissions of the form"},
    "version": {"id": "versi kiriman", "en": "versions of submissions"},
    "attachment": {"id": "lampiran", "en": "attachments"},
    "refused": {"id": "berkas yang pernah ditolak", "en": "files that had been refused"},
    "entity": {"id": "entri dalam daftar", "en": "entities of the list"},
    "decision": {"id": "keputusan petugas tentang kirimannya", "en": "people's decisions about her records"},
    "turned_away": {"id": "datang lagi dan ditolak", "en": "came again, and turned away"},
}

REMAINS: Mapping[str, Text] = {
    "tombstone": {
        "id": "Di gudang data tetap ada penanda: nomor kirimannya dan hash berkunci dari kode studinya, tanpa satu"
        " jawaban pun. Dengan itu data yang datang lagi dikenali dan ditolak.",
        "en": "In the warehouse a tombstone stays: the ids of her records and a keyed hash of her study code, without"
        " any answer. By it, what comes again is recognised and turned away.",
    },
    "central": {
        "id": "ODK Central masih menyimpan kiriman ini. laktasi tidak dapat menghapusnya di sana: hapus setiap kiriman"
        " di halaman Submissions. Central membuangnya untuk selamanya 30 hari kemudian, atau segera bila pengelola"
        " server menjalankan purge (docs/safety.md).",
        "en": "ODK Central still has these. laktasi cannot erase there: delete each of them on the page Submissions."
        " Central purges them 30 days later, or at once if the server's administrator runs its purge (docs/safety.md).",
    },
    "lists": {
        "id": "Daftar yang dibawa formulir masih memuat kode studinya. Keluarkan ia dari berkas daftar itu (atau dari"
        " daftar entitas di Central), lalu terbitkan lagi formulirnya. Versi lama daftar tetap ada di gudang data.",
        "en": "Lists that forms carry still have her study code. Take her out of the file (or of the entity list on"
        " Central), and publish the form again. Earlier contents of the list stay in the warehouse.",
    },
    "phones": {
        "id": "HP petugas dan salinan foldernya mungkin masih menyimpan formulirnya. Hapus di Collect (Hapus formulir)"
        " dan hapus salinan folder yang memuatnya; bila diimpor lagi, datanya ditolak.",
        "en": "Enumerators' phones, and folders copied from them, may still hold her forms. Delete them in Collect"
        " (Delete form), and delete copied folders that hold them; imported again they are turned away.",
    },
    "phones_folders": {
        "id": "Folder ini dibaca pada setiap proses, dan isinya tidak disentuh laktasi:",
        "en": "These folders are read by every run, and laktasi does not touch what is in them:",
    },
    "backups": {
        "id": "Cadangan (backup) yang dibuat sebelumnya masih memuat datanya sampai {keep} cadangan yang lebih baru"
        " dibuat. Daftar di sampingnya (forgotten.json) membuat pemulihan tidak mengembalikannya. Hapus cadangan lama"
        " lebih awal bila diminta.",
        "en": "Backups that were made before still hold her data until {keep} newer ones have been made. The list"
        " beside them (forgotten.json) keeps a restored one from bringing her back. Delete older backups earlier where"
        " that is asked for.",
    },
    "backups_elsewhere": {
        "id": "Cadangan di tempat lain (stik, komputer lain) masih memuat datanya. Simpan forgotten.json di sampingnya,"
        " atau hapus cadangan itu.",
        "en": "Backups elsewhere (sticks, other computers) still hold her data. Lay forgotten.json beside them, or"
        " delete them.",
    },
    "results": {
        "id": "Hasil hitungan dari proses-proses sebelumnya (jumlah dan koefisien, tanpa baris siapa pun) tetap ada di"
        " gudang data dan di manifests/. Manifest lama menyebut berapa baris yang sudah tidak ada.",
        "en": "Results of earlier runs (counts and coefficients, nobody's row) stay in the warehouse and in manifests/."
        " Of an earlier manifest laktasi verify says how many rows are gone.",
    },
    "copies": {
        "id": "Apa yang sudah diberikan kepada orang lain tidak dapat ditarik oleh program: rilis, salinan"
        " research.duckdb, laporan, daftar yang dicetak. Beri tahu penerimanya.",
        "en": "What was given to others cannot be taken back by a program: releases, copies of research.duckdb,"
        " reports, printed lists. Tell those who have them.",
    },
    "release": {
        "id": "Rilis di komputer ini memuat barisnya bila dibuat sebelum hari ini; buat lagi dengan laktasi release:",
        "en": "A release on this computer holds her row if it was made before; make it again by laktasi release:",
    },
    "history": {
        "id": "Bila schemas/ berada dalam kendali versi (git), riwayatnya masih memuat keputusan tentangnya.",
        "en": "Where schemas/ is under version control (git), its history still has decisions about her.",
    },
    "disk": {
        "id": "Blok cakram yang telah dilepas mungkin masih menyimpan bita lama sampai ditulisi lagi; cakram yang"
        " terenkripsi mencegah orang membacanya.",
        "en": "Blocks that the disk has given free may hold old bytes until they are written over; on an encrypted disk"
        " nobody can read them.",
    },
}


def render(erasure: Erasure) -> str:
    """Make the page of a record, in both languages, Indonesian first; it is printed and signed."""
    from markupsafe import Markup

    environment = templates()
    style = read_beside(environment, "todo.css")
    return environment.get_template("erasure.html").render(
        erasure=erasure,
        languages=LANGUAGES,
        words=WORDS,
        why=WHY,
        counted=COUNTED,
        remains=[(wording(item), item.details) for item in erasure.remains],
        style=Markup(style),  # noqa: S704 - a file of ours
        style_hash=hash_of(style),
    )


def wording(item: Remains) -> Text:
    """Give the text of something that remains, by language."""
    return {language: text.format(**item.given) for language, text in REMAINS[item.what].items()}


def lines(erasure: Erasure, *, code: str | None = None, language: str = "en") -> list[str]:
    """Tell a record on a terminal.

    Parameters
    ----------
    code
        The study code: shown to who has just typed it, and written nowhere.
    """

    def word(name: str) -> str:
        return WORDS[name][language]

    told = [word("title"), ""]
    facts = {
        "project": erasure.project,
        "study": erasure.title.get(language) or next(iter(erasure.title.values()), ""),
        "code": code or "",
        "mark": erasure.mark,
        "when": f"{erasure.erased_at:%Y-%m-%d %H:%M}",
        "by": erasure.erased_by,
        "why": WHY[erasure.why][language],
        "run": erasure.run_id,
    }
    told += [f"  {word(name)}: {value}" for name, value in facts.items() if value]
    told += ["", word("erased")]
    told += [f"  {n} {COUNTED[kind][language]} {of}".rstrip() for kind, of, n in erasure.counts]
    told += [f"  {word('everywhere' if erasure.counts else 'nothing')}", "", word("remains")]
    for item in erasure.remains:
        told.append(f"  - {wording(item)[language]}")
        told += [f"      {detail}" for detail in item.details]
    return told


def write(folder: Path, name: str, erasure: Erasure) -> Path:
    """Write a record, readable by its owner alone, and give its place."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    place = folder / f"{name}.html"
    write_privately(place, render(erasure))
    return place
