"""The words of messages, in both languages. What an error says is in English, as on the command line."""

from __future__ import annotations

from typing import Literal

Language = Literal["id", "en"]

TEXTS: dict[str, dict[Language, str]] = {
    # headlines, for the subject
    "failure.head": {"en": "a run failed", "id": "proses gagal"},
    "gate.head": {"en": "publication stopped", "id": "publikasi dihentikan"},
    "adverse.head": {"en": "adverse events: {count}", "id": "kejadian tidak diinginkan: {count}"},
    "silent.head": {"en": "silent health centres: {count}", "id": "puskesmas tanpa kabar: {count}"},
    "unreached.head": {"en": "a source is not reached", "id": "sumber data tidak terjangkau"},
    "backup.head": {"en": "no new backup", "id": "tidak ada cadangan baru"},
    "daily.head": {"en": "daily summary", "id": "ringkasan harian"},
    # what failed
    "failure": {"en": "A RUN FAILED: {what}", "id": "PROSES GAGAL: {what}"},
    "failure.fault": {
        "en": "A RUN FAILED by a fault in laktasi: {what}. What had landed stays.",
        "id": "PROSES GAGAL karena kesalahan dalam laktasi: {what}. Data yang sudah masuk tetap aman.",
    },
    # gates
    "gate": {
        "en": "NOTHING WAS PUBLISHED: open findings of these rules stop it. The report stays as it was.",
        "id": "TIDAK ADA YANG DIPUBLIKASIKAN: temuan terbuka dari aturan ini menghentikannya. Laporan tetap seperti"
        " semula.",
    },
    "gate.rule": {"en": "- {rule}: {count} findings", "id": "- {rule}: {count} temuan"},
    # adverse events
    "adverse": {
        "en": "ADVERSE EVENTS, new since the last message: {count}. Records, by rule:",
        "id": "KEJADIAN TIDAK DIINGINKAN, baru sejak pesan terakhir: {count}. Catatan menurut aturan:",
    },
    "rule": {"en": "{rule} ({count}): {text}", "id": "{rule} ({count}): {text}"},
    "record": {
        "en": "- {record} ({form}), health centre {centre}",
        "id": "- {record} ({form}), puskesmas {centre}",
    },
    "no_centre": {"en": "not known", "id": "tidak diketahui"},
    "more": {"en": "- and {count} more", "id": "- dan {count} lagi"},
    # silence
    "silent": {
        "en": "SILENT HEALTH CENTRES, new since the last message: {count}",
        "id": "PUSKESMAS TANPA KABAR, baru sejak pesan terakhir: {count}",
    },
    "centre": {"en": "- {centre}", "id": "- {centre}"},
    # sources and backups
    "unreached": {"en": "NOT REACHED: {source}, since {since}", "id": "TIDAK TERJANGKAU: {source}, sejak {since}"},
    "phones": {"en": "folders of phones", "id": "folder HP"},
    "backup": {
        "en": "NO NEW BACKUP: the newest one is of {since}",
        "id": "TIDAK ADA CADANGAN BARU: yang terbaru dari {since}",
    },
    "backup.none": {
        "en": "NO BACKUP has been made yet",
        "id": "BELUM ADA CADANGAN sama sekali",
    },
    # the summary
    "daily": {"en": "SUMMARY, {now}", "id": "RINGKASAN, {now}"},
    "daily.records": {"en": "Records: {count}", "id": "Catatan: {count}"},
    "daily.records_new": {
        "en": "Records: {count}, new since {since}: {new}",
        "id": "Catatan: {count}, baru sejak {since}: {new}",
    },
    "daily.findings": {
        "en": "Open findings: {errors} errors, {warnings} warnings",
        "id": "Temuan terbuka: {errors} kesalahan, {warnings} peringatan",
    },
    "daily.adverse": {"en": "Open adverse events: {count}", "id": "Kejadian tidak diinginkan yang terbuka: {count}"},
    "daily.gates": {"en": "Publication stopped by: {rules}", "id": "Publikasi dihentikan oleh: {rules}"},
    "daily.no_gates": {"en": "Nothing stops the publication", "id": "Tidak ada yang menghentikan publikasi"},
    "daily.silent": {"en": "Silent health centres: {count}{named}", "id": "Puskesmas tanpa kabar: {count}{named}"},
    "daily.failed": {
        "en": "Runs that failed or were killed since then: {count}",
        "id": "Proses yang gagal atau terhenti sejak itu: {count}",
    },
    "daily.unreached": {
        "en": "Not reached: {source}, since {since}",
        "id": "Tidak terjangkau: {source}, sejak {since}",
    },
    "daily.backup": {"en": "Newest backup: {since}", "id": "Cadangan terbaru: {since}"},
    "published": {"en": "Published last: {since}", "id": "Terakhir dipublikasikan: {since}"},
    "never": {"en": "never", "id": "belum pernah"},
    # what to do next
    "next": {"en": "What to do next, at the laptop:", "id": "Langkah berikutnya, di laptop:"},
    "next.nothing": {"en": "Nothing needs you now.", "id": "Tidak ada yang perlu dikerjakan sekarang."},
    "next.fault": {
        "en": "- laktasi doctor; if it finds nothing, report it with the line above",
        "id": "- laktasi doctor; bila tidak ada temuan, laporkan dengan baris di atas",
    },
    "next.failure": {"en": "- {step}", "id": "- {step}"},
    "next.gate": {"en": "- laktasi findings --stops", "id": "- laktasi findings --stops"},
    "next.adverse": {"en": "- laktasi findings --rule {rule}", "id": "- laktasi findings --rule {rule}"},
    "next.silent": {
        "en": "- laktasi arrivals, and call the health centre's team",
        "id": "- laktasi arrivals, lalu hubungi tim puskesmasnya",
    },
    "next.unreached": {"en": "- laktasi doctor", "id": "- laktasi doctor"},
    "next.backup": {"en": "- laktasi backup", "id": "- laktasi backup"},
    "next.errors": {
        "en": "- laktasi findings export --to handout",
        "id": "- laktasi findings export --to handout",
    },
    # the end of each message, and a test
    "foot": {
        "en": "Report: {report}\nMessage {message}. Messages hold no answers and no names; the laptop does.",
        "id": "Laporan: {report}\nPesan {message}. Pesan tidak memuat jawaban atau nama; itu hanya ada di laptop.",
    },
    "no_report": {"en": "none yet", "id": "belum ada"},
    "test.head": {"en": "test message", "id": "pesan percobaan"},
    "test": {
        "en": "This is a test. Who reads it will be told of: {matters}.",
        "id": "Ini percobaan. Yang membacanya akan diberi tahu tentang: {matters}.",
    },
    "matter.failure": {"en": "runs that fail", "id": "proses yang gagal"},
    "matter.gate": {"en": "a stopped publication", "id": "publikasi yang dihentikan"},
    "matter.adverse": {"en": "adverse events", "id": "kejadian tidak diinginkan"},
    "matter.silent": {"en": "silent health centres", "id": "puskesmas tanpa kabar"},
    "matter.unreached": {"en": "sources that are not reached", "id": "sumber data yang tidak terjangkau"},
    "matter.backup": {"en": "old backups", "id": "cadangan yang sudah lama"},
    "matter.daily": {"en": "a daily summary", "id": "ringkasan harian"},
}


def said(name: str, language: Language, **given: object) -> str:
    """Give a text in a language."""
    return TEXTS[name][language].format(**given)
