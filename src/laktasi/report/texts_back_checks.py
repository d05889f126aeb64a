"""The sentences of the page about back checks, in every language of the report."""

from __future__ import annotations

from collections.abc import Mapping

Text = Mapping[str, str]

TEXTS: Mapping[str, Text] = {
    "intro": {
        "id": "Cek ulang: orang lain mengulang beberapa pertanyaan dari wawancara. Yang dihitung di sini hanya "
        "apakah jawabannya sama; jawabannya sendiri tidak ada di halaman ini.",
        "en": "Back checks: somebody else repeats a few questions of an interview. What counts here is only whether "
        "the answers agree; the answers themselves are not on this page.",
    },
    "none": {"id": "Belum ada cek ulang yang masuk.", "en": "No back check has come in yet."},
    "came": {"id": "Cek ulang yang masuk", "en": "Back checks that came in"},
    "state": {"id": "Apa yang terjadi", "en": "What became of them"},
    "count": {"id": "Jumlah", "en": "Count"},
    "state_compared": {"id": "dibandingkan dengan wawancaranya", "en": "compared with the interview"},
    "state_attempted": {
        "id": "dicoba, tidak selesai (tidak bertemu atau menolak)",
        "en": "attempted, not completed (nobody found, or no consent)",
    },
    "state_unnamed": {"id": "tanpa kode studi", "en": "without a study code"},
    "state_no_original": {"id": "tidak ada wawancara dengan kode itu", "en": "no interview has that code"},
    "state_several_originals": {
        "id": "kode itu ada pada lebih dari satu wawancara",
        "en": "more than one interview has that code",
    },
    "state_repeated": {
        "id": "wawancara itu sudah dicek ulang sebelumnya",
        "en": "that interview was back-checked before",
    },
    "state_same_person": {
        "id": "dilakukan oleh petugas wawancara itu sendiri",
        "en": "done by the enumerator of the interview",
    },
    "coverage": {"id": "Cakupan", "en": "Coverage"},
    "coverage_help": {
        "id": "Yang boleh dicek ulang: wawancara dengan persetujuan. “Diperlukan” mengikuti schemas/back_checks.yml; "
        "kelebihan pada satu petugas tidak menutup kekurangan pada petugas lain.",
        "en": "Interviews with consent may be repeated. “Wanted” follows schemas/back_checks.yml; what one enumerator "
        "has too many does not make up for another.",
    },
    "by_enumerator": {"id": "Menurut petugas", "en": "By enumerator"},
    "by_checker": {"id": "Menurut pemeriksa", "en": "By checker"},
    "by_centre": {"id": "Menurut puskesmas", "en": "By health centre"},
    "by_variable": {"id": "Menurut pertanyaan", "en": "By question"},
    "enumerator": {"id": "Petugas", "en": "Enumerator"},
    "checker": {"id": "Pemeriksa", "en": "Checker"},
    "centre": {"id": "Puskesmas", "en": "Health centre"},
    "variable": {"id": "Pertanyaan", "en": "Question"},
    "nobody": {"id": "(tanpa kode)", "en": "(no code)"},
    "total": {"id": "Jumlah", "en": "Total"},
    "interviews": {"id": "wawancara", "en": "interviews"},
    "wanted": {"id": "diperlukan", "en": "wanted"},
    "drawn": {"id": "terundi", "en": "drawn"},
    "compared": {"id": "dicek ulang", "en": "repeated"},
    "share": {"id": "bagian", "en": "share"},
    "missing": {"id": "kurang", "en": "missing"},
    "type_1": {"id": "Tipe 1: tidak pernah berubah", "en": "Type 1: never changes"},
    "type_2": {"id": "Tipe 2: bergantung pada kecakapan petugas", "en": "Type 2: depends on the enumerator's skill"},
    "type_3": {"id": "Tipe 3: bergantung pada pertanyaannya", "en": "Type 3: depends on the question itself"},
    "type_1_help": {
        "id": "Perbedaan di sini adalah kesalahan petugas, atau wawancara yang tidak pernah ada. Tanyakan hari ini "
        "juga.",
        "en": "A difference here is the enumerator's fault, or an interview that never took place. Ask today.",
    },
    "type_2_help": {
        "id": "Perbedaan di sini menunjukkan siapa yang perlu dilatih lagi, dan pertanyaan yang mana.",
        "en": "A difference here shows who needs training again, and on which question.",
    },
    "type_3_help": {
        "id": "Perbedaan di sini menunjukkan pertanyaan yang sulit dijawab dengan sama, atau keadaan yang memang "
        "berubah.",
        "en": "A difference here shows a question that is hard to answer alike, or something that truly changed.",
    },
    "overall": {
        "id": "{errors} dari {compared} jawaban berbeda melebihi batas: {rate} (interval 95% {low} sampai {high}), "
        "pada {interviews} wawancara.",
        "en": "{errors} of {compared} answers differ by more than is allowed: {rate} (95% interval {low} to {high}), "
        "in {interviews} interviews.",
    },
    "alarm_at": {"id": "Batas waspada: {rate}.", "en": "Alarm rate: {rate}."},
    "answers": {"id": "jawaban dibandingkan", "en": "answers compared"},
    "within": {"id": "berbeda dalam batas", "en": "differ within range"},
    "errors": {"id": "berbeda melebihi batas", "en": "differ beyond range"},
    "rate": {"id": "tingkat", "en": "rate"},
    "interval": {"id": "interval 95%", "en": "95% interval"},
    "range": {"id": "batas", "en": "range"},
    "few": {"id": "sedikit", "en": "few"},
    "alarm": {"id": "WASPADA", "en": "ALARM"},
    "rates_help": {
        "id": "“Sedikit”: kurang dari 10 wawancara. WASPADA: seluruh interval di atas batas waspada, jadi bukan "
        "kebetulan. Urutan menurut kode, bukan peringkat. Jawaban dari satu wawancara sering salah bersama-sama; "
        "interval memperhitungkannya.",
        "en": "“Few”: fewer than 10 interviews. ALARM: the whole interval lies above the alarm rate, so chance does "
        "not explain it. In the order of codes, not a ranking. Answers of one interview are often wrong together; the "
        "interval allows for that.",
    },
    "too_many": {
        "id": "{n} baris terlalu banyak untuk satu halaman; di sini hanya yang WASPADA. Semuanya ada di "
        "research.duckdb ({table}).",
        "en": "{n} rows are too many for one page; here are only those in ALARM. All are in research.duckdb ({table}).",
    },
    "tests": {"id": "Apakah jawaban bergeser?", "en": "Have answers moved?"},
    "tests_help": {
        "id": "Semua pasangan bersama, tipe 2 dan 3; hanya bila ada 10 pasangan atau lebih. Selisih: cek ulang "
        "dikurangi wawancara. Banyak uji: beberapa p di bawah .05 muncul karena kebetulan.",
        "en": "All pairs together, types 2 and 3; only with 10 pairs or more. Difference: back check minus "
        "interview. Many tests: some p below .05 come by chance.",
    },
    "numbers": {"id": "Angka", "en": "Numbers"},
    "choices": {"id": "Pilihan", "en": "Choices"},
    "choice": {"id": "Pilihan", "en": "Choice"},
    "pairs": {"id": "pasangan", "en": "pairs"},
    "mean_original": {"id": "rerata wawancara", "en": "mean, interview"},
    "mean_again": {"id": "rerata cek ulang", "en": "mean, back check"},
    "share_original": {"id": "wawancara", "en": "interview"},
    "share_again": {"id": "cek ulang", "en": "back check"},
    "difference": {"id": "selisih [95%]", "en": "difference [95%]"},
    "p_t": {"id": "p (uji t berpasangan)", "en": "p (paired t)"},
    "p_rank": {"id": "p (Wilcoxon)", "en": "p (signed rank)"},
    "reliability": {"id": "rasio keandalan", "en": "reliability ratio"},
    "p_z": {"id": "p (uji proporsi)", "en": "p (proportions)"},
    "p_mcnemar": {"id": "p (McNemar)", "en": "p (McNemar)"},
    "reading": {
        "id": "Rasio keandalan 1: setiap orang menjawab seperti sebelumnya; 0: jawaban orang yang sama berbeda sebesar "
        "jawaban dua orang. Uji proporsi menganggap kedua kali terpisah; McNemar dibuat untuk orang yang sama.",
        "en": "A reliability ratio of 1: everybody answers as before; 0: the same person's answers differ as much as "
        "those of two people. The test of proportions takes both times for separate samples; McNemar's is made for the "
        "same people.",
    },
}

REASONS: Mapping[str, Text] = {
    "fewer than 10 pairs": {"id": "kurang dari 10 pasangan", "en": "fewer than 10 pairs"},
    "no answer moved": {"id": "tidak ada jawaban yang bergeser", "en": "no answer moved"},
    "all answers moved by as much": {"id": "semua bergeser sama besar", "en": "all answers moved by as much"},
    "an answer is larger than 1e150": {
        "id": "ada jawaban yang lebih besar dari 1e150",
        "en": "an answer is larger than 1e150",
    },
    "all answered alike when asked again": {
        "id": "semua jawaban cek ulang sama",
        "en": "all answered alike when asked again",
    },
    "all or none chose it both times": {
        "id": "semua atau tidak seorang pun memilihnya",
        "en": "all or none chose it both times",
    },
}
"""Why there is no result; the warehouse says it in English."""
