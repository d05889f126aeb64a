"""The sentences of the page about checks, in every language it is written in."""

from __future__ import annotations

from collections.abc import Mapping

Text = Mapping[str, str]

TEXTS: Mapping[str, Text] = {
    "intro": {
        "id": "Halaman ini memuat setiap aturan yang dipakai untuk memeriksa data, berapa baris yang diperiksa, dan "
        "berapa "
        "yang tidak memenuhinya. Aturan berasal dari formulir sendiri dan dari <code>schemas/checks.yml</code>; "
        "Great Expectations yang menilainya. Tidak ada jawaban responden di sini, hanya aturan dan jumlah.",
        "en": "This page holds every rule that the data are checked by, how many rows were checked, and how many "
        "break it. "
        "Rules come from the forms themselves and from <code>schemas/checks.yml</code>; Great Expectations judges "
        "them. "
        "No respondent's answer stands here, only rules and counts.",
    },
    "rows_checked": {"id": "baris diperiksa", "en": "rows checked"},
    "rules": {"id": "aturan", "en": "rules"},
    "met": {"id": "dipenuhi", "en": "met"},
    "not_met": {"id": "tidak dipenuhi", "en": "not met"},
    "empty": {"id": "tanpa data", "en": "nothing to look at"},
    "unverified_tile": {"id": "tidak dapat diperiksa", "en": "cannot be verified"},
    "this_run": {
        "id": "Pemeriksaan per baris hanya menanyakan kiriman yang baru, berubah, atau yang aturannya berubah: {asked} "
        "dari {rows} baris pada proses ini. Hasil untuk baris lainnya tetap berlaku dari proses sebelumnya.",
        "en": "Checks of single rows ask only submissions that are new or changed, or whose rules have changed: "
        "{asked} of "
        "{rows} rows in this run. What was found in the other rows stands from earlier runs.",
    },
    # what is not met
    "broken": {"id": "Aturan yang tidak dipenuhi", "en": "Rules that are not met"},
    "broken_help": {
        "id": "Semua versi formulir dijumlahkan. “Diterima” adalah temuan yang sudah ditinjau dan dibiarkan lewat "
        "sebuah "
        "keputusan. Catatan satu per satu: <code>laktasi findings</code>.",
        "en": "All form versions together. “Accepted” are findings that were reviewed and let stand by a decision. "
        "One by "
        "one: <code>laktasi findings</code>.",
    },
    "all_met": {"id": "Semua aturan dipenuhi.", "en": "Every rule is met."},
    "rule": {"id": "Aturan", "en": "Rule"},
    "rows": {"id": "Baris", "en": "Rows"},
    "failing": {"id": "Melanggar", "en": "Break it"},
    "accepted": {"id": "Diterima", "en": "Accepted"},
    "state": {"id": "Hasil", "en": "Outcome"},
    "error": {"id": "kesalahan", "en": "error"},
    "warning": {"id": "peringatan", "en": "warning"},
    # form versions
    "form": {"id": "Formulir {form}", "en": "Form {form}"},
    "form_help": {
        "id": "Setiap versi formulir diperiksa dengan aturannya sendiri. Buka sebuah versi untuk melihat semua "
        "aturannya.",
        "en": "Each form version is checked by its own rules. Open a version to see them all.",
    },
    "version": {"id": "Versi {version}", "en": "Version {version}"},
    "version_line": {
        "id": "{rows} baris, {asked} ditanyakan pada proses ini. Aturan: {rules}, tidak dipenuhi: {broken}",
        "en": "{rows} rows, {asked} asked in this run. Rules: {rules}, not met: {broken}",
    },
    "version_empty": {
        "id": "Aturan: {rules}. Belum ada baris, jadi tidak ada yang diperiksa",
        "en": "Rules: {rules}. There is no row yet, so nothing was checked",
    },
    "repeat": {"id": "Pengulangan {table}", "en": "Repeat {table}"},
    "main_table": {"id": "Pertanyaan formulir", "en": "Questions of the form"},
    "expectation": {"id": "Dalam Great Expectations: {name}", "en": "In Great Expectations: {name}"},
    "if_not": {"id": "Bila tidak:", "en": "If not:"},
    "must_type": {"id": "isian sesuai jenisnya", "en": "the answer is of its type"},
    "must_required": {"id": "wajib diisi", "en": "must be answered"},
    "must_relevant": {"id": "hanya diisi bila ditanyakan", "en": "answered only where it is asked"},
    "must_constraint": {"id": "dalam batas pertanyaan", "en": "within the question's constraint"},
    "must_choice": {"id": "pilihan ada dalam daftar", "en": "the choice is on its list"},
    "must_calculation": {"id": "hitungan sama bila diulang", "en": "the same when computed again"},
    "kind_type": {"id": "jenis isian", "en": "type"},
    "kind_required": {"id": "wajib", "en": "required"},
    "kind_relevant": {"id": "syarat tampil", "en": "relevance"},
    "kind_constraint": {"id": "batas", "en": "constraint"},
    "kind_choice": {"id": "pilihan", "en": "choice"},
    "kind_calculation": {"id": "hitungan", "en": "calculation"},
    "kind_declared": {"id": "dari checks.yml", "en": "from checks.yml"},
    "kind_set": {"id": "dari checks.yml, antarbaris", "en": "from checks.yml, row against row"},
    "kind_group": {"id": "dari checks.yml, kelompok", "en": "from checks.yml, groups"},
    # over the set
    "sets": {"id": "Baris dibandingkan satu sama lain", "en": "Rows compared with each other"},
    "sets_help": {
        "id": "Pemeriksaan ini melihat semua versi formulir bersama-sama, setiap kali dari awal. “Baris” adalah yang "
        "ikut "
        "dibandingkan.",
        "en": "These look at all form versions together, each time anew. “Rows” are those that take part.",
    },
    "groups": {"id": "Kelompok diukur", "en": "Groups measured"},
    "groups_help": {
        "id": "Satu ukuran untuk setiap puskesmas, petugas, HP, hari, atau kelompok lain. Yang datanya terlalu "
        "sedikit tidak "
        "dibandingkan. Untuk proporsi, ujung interval Wilson 95% yang dibandingkan dengan batas, sehingga kebetulan "
        "saja "
        "hampir tidak pernah menjadi temuan.",
        "en": "One measure for each health centre, enumerator, phone, day or other group. Those with too little data "
        "are "
        "not compared. Of a share, the end of its 95% Wilson interval is held against the limit, so that chance alone "
        "hardly ever becomes a finding.",
    },
    "compared": {"id": "Kelompok dibandingkan", "en": "Groups compared"},
    "too_few": {"id": "{n} lagi terlalu sedikit datanya", "en": "{n} more have too little data"},
    "limits": {"id": "Batas", "en": "Limits"},
    "at_most": {"id": "paling banyak {high}", "en": "at most {high}"},
    "at_least": {"id": "paling sedikit {low}", "en": "at least {low}"},
    "between": {"id": "{low} sampai {high}", "en": "{low} to {high}"},
    "beyond": {"id": "Di luar batas", "en": "Beyond them"},
    "more_groups": {"id": "dan {n} lagi", "en": "and {n} more"},
    "group_centre": {"id": "Puskesmas", "en": "Health centre"},
    "group_enumerator": {"id": "Petugas", "en": "Enumerator"},
    "group_device": {"id": "HP", "en": "Phone"},
    "group_form_version": {"id": "Versi formulir", "en": "Form version"},
    "group_question": {"id": "Pertanyaan", "en": "Question"},
    "group_day": {"id": "Hari", "en": "Day"},
    "group_week": {"id": "Minggu", "en": "Week"},
    "group_month": {"id": "Bulan", "en": "Month"},
    "group_all": {"id": "Semua catatan", "en": "All records"},
    # what was not checked
    "not_checked": {"id": "Yang tidak diperiksa", "en": "What was not checked"},
    "nothing": {"id": "Tidak ada yang dapat dilihat", "en": "Nothing to look at"},
    "nothing_help": {
        "id": "Aturan ini tidak menemukan apa-apa karena tidak ada baris yang ikut. Itu bukan berarti dipenuhi.",
        "en": "These rules found nothing, because no row takes part. That does not mean that they are met.",
    },
    "no_row": {"id": "belum ada baris dari versi ini", "en": "there is no row of this version yet"},
    "none_takes_part": {"id": "tidak ada baris yang ikut", "en": "no row takes part"},
    "no_group": {"id": "tidak ada kelompok dengan data yang cukup", "en": "no group has enough data"},
    "unverified": {"id": "Tidak dapat diperiksa", "en": "Cannot be verified"},
    "unverified_help": {
        "id": "Aturan ini tidak dapat ditanyakan lagi setelah wawancara, atau versi formulirnya tidak memuat "
        "pertanyaannya. "
        "Alasannya tertulis dalam bahasa Inggris.",
        "en": "These rules cannot be asked after the interview, or their form version does not have the question.",
    },
    "none_unverified": {"id": "Semua aturan dapat diperiksa.", "en": "Every rule can be verified."},
    "all_looked": {"id": "Setiap aturan melihat sedikitnya satu baris.", "en": "Every rule looked at one row or more."},
    "versions": {"id": "Versi", "en": "Versions"},
    "beside": {"id": "Diperiksa di luar Great Expectations", "en": "Checked beside Great Expectations"},
    "beside_help": {
        "id": "Hal-hal ini membandingkan kiriman dengan sumbernya, dengan formulirnya, atau dengan keputusan orang.",
        "en": "These compare submissions with their sources, with their form, or with people's decisions.",
    },
    "open": {"id": "Temuan terbuka", "en": "Open findings"},
}
