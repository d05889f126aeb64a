"""The sentences of a release, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

Sentences = Mapping[str, Mapping[str, str]]

LEFT_OUT: Sentences = {
    "direct": {"id": "pengenal langsung", "en": "direct identifier"},
    "quasi": {
        "id": "pengenal tidak langsung yang tidak diatur dalam aturan",
        "en": "quasi-identifier that the rule does not treat",
    },
    "place": {"id": "menunjukkan tempat", "en": "tells the place"},
    "date": {"id": "tanggal atau jam yang tidak diatur", "en": "date or time that the rule does not treat"},
    "text": {"id": "teks bebas, catatan, atau hitungan", "en": "free text, note or computed text"},
    "position": {"id": "posisi", "en": "position"},
    "media": {"id": "berkas", "en": "file"},
    "one_centre": {
        "id": "sebuah jawaban hanya diberikan di satu puskesmas dalam wilayahnya: menunjukkan tempat",
        "en": "within a place, an answer is given at one health centre only: it tells which",
    },
    "relies": {
        "id": "ditanyakan, ditawarkan, atau dihitung menurut jawaban yang tidak keluar apa adanya",
        "en": "asked, offered or computed by an answer that does not go out as it is: it would tell that answer",
    },
    "dropped": {"id": "dikeluarkan oleh aturan", "en": "left out by the rule"},
}

WHY_NOT: Sentences = {
    "": {"id": "", "en": ""},
    "bits": {
        "id": "puskesmas yang dirahasiakan terlalu sedikit: angka gabungan dapat mengungkapnya",
        "en": "so few centres are withheld that numbers across centres could give them back",
    },
    "masked": {
        "id": "sebagian jawaban dirahasiakan dalam catatan: hasil atas semua catatan akan mengungkapnya",
        "en": "some of its answers are withheld in the records: a result over all of them would give these back",
    },
}

ACROSS: Sentences = {
    "all": {"id": "semua", "en": "all"},
    "no_leave_one_out": {"id": "tanpa hasil dengan satu puskesmas dikeluarkan", "en": "without leave-one-out"},
    "naive": {
        "id": "hanya yang dapat dihitung dari catatan",
        "en": "only what can be computed from the records",
    },
    "none": {"id": "tidak ada", "en": "nothing"},
}

KINDS: Sentences = {
    "category": {"id": "kategori", "en": "category"},
    "whole": {"id": "bilangan bulat", "en": "whole number"},
    "number": {"id": "bilangan", "en": "number"},
    "date": {"id": "tanggal", "en": "date"},
    "moment": {"id": "tanggal dan jam", "en": "date and time"},
    "text": {"id": "teks", "en": "text"},
}
