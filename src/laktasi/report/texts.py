"""The sentences of the report, in every language it is written in.

A sentence is kept whole, with its places for values, because word order differs between languages. Associations are
called associations: the surveys behind the report observe and do not assign.
"""

from __future__ import annotations

from collections.abc import Mapping

from laktasi.report.texts_methods import METHODS
from laktasi.report.texts_pages import ANALYSIS, CENTRES, FRONT
from laktasi.report.texts_people import PEOPLE

LANGUAGES = ("id", "en")
"""The default first."""

NAMES = {"id": "Bahasa Indonesia", "en": "English"}

Text = Mapping[str, str]

TEXTS: Mapping[str, Text] = {
    **PEOPLE,
    **FRONT,
    **ANALYSIS,
    **CENTRES,
    **METHODS,
    # the top of the page
    "report_of": {"id": "Laporan survei", "en": "Survey report"},
    "synthetic": {"id": "Data sintetis", "en": "Synthetic data"},
    "team_title": {"id": "Untuk tim studi", "en": "For the study team"},
    "team": {
        "id": "Berkas ini bukan untuk umum. Angka kecil ditampilkan apa adanya dan dapat mengarah pada seseorang. "
        "Publikasi mengikuti aturannya sendiri.",
        "en": "This file is not for the public. Small numbers are shown as they are and could point to a person. "
        "A publication follows rules of its own.",
    },
    "made": {"id": "Hasil per", "en": "Results as of"},
    "as_of_title": {"id": "Yang diketahui sampai", "en": "What was known by"},
    "as_of": {
        "id": "Data dan keputusan yang masuk sesudahnya tidak dihitung di sini.",
        "en": "Data and decisions that came in later do not count here.",
    },
    "data_until": {"id": "Data masuk terakhir", "en": "Newest data"},
    "run": {"id": "Nomor proses", "en": "Run"},
    "versions": {"id": "Versi perangkat lunak", "en": "Software version"},
    "rows_hash": {"id": "Sidik data yang dianalisis", "en": "Fingerprint of the analysed data"},
    "rows": {"id": "{n} baris", "en": "{n} rows"},
    "contents": {"id": "Isi", "en": "Contents"},
    # the way between the pages
    "pages": {"id": "Halaman laporan", "en": "Pages of the report"},
    "page_index": {"id": "Ringkasan", "en": "Overview"},
    "page_analysis": {"id": "Analisis", "en": "Analysis"},
    "page_centres": {"id": "Puskesmas", "en": "Health centres"},
    "page_data": {"id": "Data dan buku kode", "en": "Data and codebook"},
    "page_methods": {"id": "Cara menghitung", "en": "Methods"},
    "page_people": {"id": "Petugas dan puskesmas", "en": "People and places"},
    "page_checks": {"id": "Pemeriksaan", "en": "Checks"},
    "page_back_checks": {"id": "Wawancara ulang", "en": "Back-checks"},
    "to_top": {"id": "Ke atas", "en": "To the top"},
    # overview
    "came_in": {"id": "masuk", "en": "came in"},
    "declined": {"id": "menolak ikut", "en": "declined"},
    "included": {"id": "memenuhi syarat studi", "en": "fit the study"},
    "set_aside": {"id": "disisihkan", "en": "set aside"},
    "accepted": {"id": "diterima", "en": "accepted"},
    "flow_sentence": {
        "id": "{submissions} kuesioner masuk dari {centres} puskesmas. {declined} di antaranya berisi penolakan ikut "
        "serta, dan {outside} tidak dihitung studi ini (misalnya kunjungan ulang). Dari {included} catatan yang "
        "memenuhi syarat studi, {set_aside} disisihkan karena kesalahannya belum "
        "diperbaiki dan {accepted} diterima. Hasil utama dihitung dari catatan yang diterima.",
        "en": "Questionnaires that came in: {submissions}, from {centres} health centres. In {declined} of them the "
        "person declined to take part, and {outside} are not counted by this study (repeat visits, for example). Of "
        "{included} records that fit the study, {set_aside} are set aside until an "
        "error is mended and {accepted} are accepted. The main results count the accepted records.",
    },
    "flow_plain": {
        "id": "{submissions} kuesioner telah masuk. Proyek ini tidak memiliki berkas studi, sehingga tidak ada "
        "analisis Kendall; laporan ini memuat data yang masuk, temuan pemeriksaan, dan buku kode.",
        "en": "Questionnaires that came in: {submissions}. This project has no study file, so there is no Kendall "
        "analysis; the report holds what came in, what the checks found, and the codebook.",
    },
    "no_records": {
        "id": "Belum ada kuesioner yang masuk.",
        "en": "No questionnaire has come in yet.",
    },
    "pair_positive": {
        "id": "<strong>{exposure}</strong> berkaitan dengan <strong>{outcome}</strong>: di puskesmas yang sama, "
        "keduanya cenderung tinggi bersama-sama",
        "en": "<strong>{exposure}</strong> is associated with <strong>{outcome}</strong>: within the same health "
        "centre, the two tend to be high together",
    },
    "pair_negative": {
        "id": "<strong>{exposure}</strong> berkaitan dengan <strong>{outcome}</strong>: di puskesmas yang sama, bila "
        "yang satu tinggi, yang lain cenderung rendah",
        "en": "<strong>{exposure}</strong> is associated with <strong>{outcome}</strong>: within the same health "
        "centre, where the one is high, the other tends to be low",
    },
    "pair_unclear": {
        "id": "Antara <strong>{exposure}</strong> dan <strong>{outcome}</strong> tidak tampak kaitan yang jelas: "
        "intervalnya mencakup nol",
        "en": "Between <strong>{exposure}</strong> and <strong>{outcome}</strong> no clear association is seen: "
        "the interval includes zero",
    },
    "pair_none": {
        "id": "Untuk <strong>{exposure}</strong> dan <strong>{outcome}</strong> tidak ada tau_b gabungan",
        "en": "For <strong>{exposure}</strong> and <strong>{outcome}</strong> there is no pooled tau_b",
    },
    "pair_numbers": {
        "id": "(tau_b gabungan {tau}, interval 95% {low} sampai {high}, <span>N = {n}</span>).",
        "en": "(pooled tau_b {tau}, 95% interval {low} to {high}, <span>N = {n}</span>).",
    },
    "contrast_start": {
        "id": "{outcome} “{level}” terdapat pada",
        "en": "{outcome} was “{level}” in",
    },
    "contrast_part": {
        "id": "{percent} dari {n} catatan dengan {exposure} “{level}”",
        "en": "{percent} of the {n} records with {exposure} “{level}”",
    },
    "and": {"id": "dan", "en": "and"},
    "centres_split": {
        "id": "Dari {used} puskesmas dengan tau_b, interval {above} puskesmas seluruhnya di atas nol, {below} "
        "seluruhnya di bawah nol, dan {unclear} mencakup nol: di sana datanya sendiri belum cukup untuk memastikan.",
        "en": "Of {used} health centres with a tau_b, the interval lies wholly above zero in {above}, wholly below "
        "zero in {below}, and includes zero in {unclear}: there the centre's own data are too few to tell.",
    },
    "differ_yes": {
        "id": "Antarpuskesmas kaitannya berbeda lebih dari yang diharapkan dari kebetulan "
        "(uji heterogenitas <span>p {p}</span>).",
        "en": "The association differs between health centres by more than chance would lead one to expect "
        "(test of heterogeneity <span>p {p}</span>).",
    },
    "differ_no": {
        "id": "Perbedaan antarpuskesmas tidak melebihi yang diharapkan dari kebetulan "
        "(uji heterogenitas <span>p {p}</span>).",
        "en": "The health centres differ by no more than chance would lead one to expect "
        "(test of heterogeneity <span>p {p}</span>).",
    },
    "with_all": {
        "id": "Bila catatan yang disisihkan ikut dihitung, tau_b gabungan {tau} (<span>N = {n}</span>).",
        "en": "Counted with the records that were set aside, the pooled tau_b is {tau} (<span>N = {n}</span>).",
    },
    "observed_only": {
        "id": "Survei ini mengamati dan tidak membagi perlakuan. Kaitan tidak menunjukkan bahwa yang satu "
        "menimbulkan yang lain.",
        "en": "The survey observed and assigned nothing. An association does not show that one thing brings about "
        "the other.",
    },
    # what came in
    "arrivals": {"id": "Data yang masuk dan yang disisihkan", "en": "What came in, and what was set aside"},
    "arrivals_caption": {"id": "Catatan per puskesmas", "en": "Records by health centre"},
    "centre": {"id": "Puskesmas", "en": "Health centre"},
    "no_centre": {"id": "Tanpa puskesmas", "en": "No health centre named"},
    "total": {"id": "Jumlah", "en": "Total"},
    "col_came_in": {"id": "Masuk", "en": "Came in"},
    "col_declined": {"id": "Menolak", "en": "Declined"},
    "col_included": {"id": "Syarat", "en": "Fit"},
    "col_set_aside": {"id": "Sisih", "en": "Aside"},
    "col_accepted": {"id": "Terima", "en": "Accepted"},
    "col_help": {
        "id": "Masuk: kuesioner yang selesai. Menolak: tidak bersedia ikut. Syarat: bersedia dan memenuhi syarat "
        "studi. Sisih: disisihkan karena ada kesalahan yang belum diperbaiki. Terima: masuk hasil utama.",
        "en": "Came in: finished questionnaires. Declined: no consent. Fit: consented and within the population of "
        "the study. Aside: set aside because an error is still open. Accepted: counted in the main results.",
    },
    "rules": {"id": "Mengapa disisihkan", "en": "Why records are set aside"},
    "rules_intro": {
        "id": "Setiap aturan yang dilanggar, dan jumlah kuesionernya. Satu kuesioner dapat melanggar beberapa aturan, "
        "jadi jumlahnya tidak dijumlahkan. Catatan tetap tersimpan dan kembali dihitung setelah diperbaiki.",
        "en": "Each rule that was broken, and in how many questionnaires. One questionnaire can break several rules, "
        "so the counts do not add up. The records are kept, and count again once they are mended.",
    },
    "rules_plain": {"id": "Temuan pemeriksaan", "en": "What the checks found"},
    "no_findings": {
        "id": "Tidak ada temuan pemeriksaan yang masih terbuka.",
        "en": "No finding of the checks is open.",
    },
    "rule": {"id": "Aturan", "en": "Rule"},
    "questionnaires": {"id": "Kuesioner", "en": "Questionnaires"},
    "groups": {"id": "Kelompok", "en": "Groups"},
    "about_aside": {"id": "Catatan disisihkan", "en": "The record is set aside"},
    "about_counted": {"id": "Catatan tetap dihitung", "en": "The record still counts"},
    "about_groups": {
        "id": "Tentang puskesmas, petugas atau kelompok lain: tidak ada catatan yang disisihkan karenanya",
        "en": "About a health centre, an enumerator or another group: no record is set aside for it",
    },
    "of_these_included": {"id": "Memenuhi syarat", "en": "Fit the study"},
    "mended": {
        "id": "Temuan yang sudah diperbaiki: {n}.",
        "en": "Findings that have been mended: {n}.",
    },
    # results
    "results": {"id": "Hasil", "en": "Results"},
    "across": {"id": "Seluruh puskesmas", "en": "Across health centres"},
    "measure": {"id": "Ukuran", "en": "Measure"},
    "population_accepted": {"id": "Diterima", "en": "Accepted"},
    "population_all": {"id": "Semua", "en": "All"},
    "populations_help": {
        "id": "Diterima: tanpa catatan yang disisihkan. Semua: dengan catatan yang disisihkan.",
        "en": "Accepted: without the records that were set aside. All: with them.",
    },
    "pooled_tau": {"id": "tau_b di dalam puskesmas (gabungan)", "en": "tau_b within centres (pooled)"},
    "interval": {"id": "Interval 95%", "en": "95% interval"},
    "p": {"id": "p", "en": "p"},
    "n": {"id": "N", "en": "N"},
    "centres_used": {"id": "Puskesmas yang dipakai", "en": "Health centres used"},
    "of": {"id": "dari", "en": "of"},
    "q": {"id": "Heterogenitas: Q (db)", "en": "Heterogeneity: Q (df)"},
    "q_p": {"id": "p heterogenitas", "en": "p of heterogeneity"},
    "i2": {"id": "I² (perbedaan di luar kebetulan)", "en": "I² (differences beyond chance)"},
    "naive": {
        "id": "Hanya pembanding: tau_b bila semua puskesmas dicampur",
        "en": "For comparison only: tau_b with all centres thrown together",
    },
    "naive_help": {
        "id": "Angka campuran juga menghitung perbedaan antarpuskesmas dan bukan hasil utama.",
        "en": "Thrown together, differences between the centres are counted too; this is not the main result.",
    },
    "forest": {
        "id": "tau_b per puskesmas: {exposure} dan {outcome}",
        "en": "tau_b by health centre: {exposure} and {outcome}",
    },
    "forest_help": {
        "id": "Kotak: tau_b, makin besar N makin besar kotaknya. Garis tebal: interval 95%. Garis pudar: rentang tau_b "
        "yang dimungkinkan jumlah baris dan kolom puskesmas itu. Garis putus-putus: gabungan. Wajik: perkiraan dari "
        "semua puskesmas, dengan garis untuk puskesmas serupa berikutnya. Urutan menurut N.",
        "en": "Square: tau_b, larger where N is larger. Strong line: 95% interval. Faint line: the range of tau_b that "
        "the centre's row and column totals allow. Dashed line: pooled. Diamonds: estimates over all centres, with a "
        "line for one more such centre. Ordered by N.",
    },
    "without_tau": {"id": "Puskesmas tanpa tau_b", "en": "Health centres without a tau_b"},
    "no_tau": {"id": "Tidak ada tau_b", "en": "No tau_b"},
    "not_analysed": {
        "id": "Belum ada hasil untuk pasangan ini dalam proses terakhir.",
        "en": "The latest run has no result for this pair.",
    },
    # tables
    "together": {"id": "Tabel untuk semua puskesmas", "en": "Tables for all health centres together"},
    "table": {"id": "Tabel {n}", "en": "Table {n}"},
    "n_percent": {"id": "n (%)", "en": "n (%)"},
    "level": {"id": "Kategori", "en": "Category"},
    "attainable": {"id": "Batas tau_b", "en": "Attainable range"},
    "share_attainable": {"id": "Bagian batas", "en": "Share of limit"},
    "tau_b": {"id": "tau_b", "en": "tau_b"},
    "p_asymptotic": {"id": "p (asimtotik)", "en": "p (asymptotic)"},
    "p_exact": {"id": "p (eksak)", "en": "p (exact)"},
    "kendall": {
        "id": "Kendall tau_b: {exposure} dan {outcome}",
        "en": "Kendall's tau_b: {exposure} and {outcome}",
    },
    "joint": {
        "id": "Tabel silang, catatan diterima",
        "en": "Joint table, accepted records",
    },
    "joint_all_help": {
        "id": "Jumlah mentah dari semua puskesmas, sebagai gambaran; tau_b gabungan dihitung di dalam puskesmas.",
        "en": "Plain sums over all health centres, as a description; the pooled tau_b is taken within centres.",
    },
    # centres
    "centres": {"id": "Per puskesmas", "en": "Centre by centre"},
    "few": {"id": "sedikit catatan", "en": "few records"},
    "few_help": {
        "id": "Catatan yang diterima kurang dari {n}: bacalah dengan hati-hati dan jangan diteruskan.",
        "en": "Fewer than {n} accepted records: read with care, and do not pass on.",
    },
    # codebook
    "codebook": {"id": "Buku kode", "en": "Codebook"},
    "codebook_intro": {
        "id": "Setiap pertanyaan formulir, seperti tertulis dalam kuesioner.",
        "en": "Every question of the form, as the questionnaire words it.",
    },
    "left_out": {"id": "Tidak ada dalam data peneliti", "en": "Not in the researchers' data"},
    "left_out_intro": {
        "id": "Kolom berikut dapat mengenali seseorang dan tidak pernah keluar dari gudang data pribadi:",
        "en": "These columns could identify a person and never leave the private warehouse:",
    },
    "left_out_tag": {"id": "tidak disertakan", "en": "left out"},
    "column": {"id": "Kolom", "en": "Column"},
    "question": {"id": "Pertanyaan dan jawaban", "en": "Question and answers"},
    "privacy_direct": {"id": "mengenali orang", "en": "identifies a person"},
    "privacy_quasi": {"id": "ikut mengenali", "en": "helps to identify"},
    "privacy_none": {"id": "tidak mengenali", "en": "does not identify"},
    "more_choices": {"id": "… dan {n} pilihan lain", "en": "… and {n} more choices"},
    "no_label": {"id": "dihitung atau dicatat oleh ponsel", "en": "computed or recorded by the phone"},
    "form_versions": {"id": "Versi formulir", "en": "Form versions"},
    "unverified": {"id": "Aturan yang tidak dapat diperiksa ulang", "en": "Rules that could not be checked again"},
    "unverified_intro": {
        "id": "Aturan formulir berikut dijalankan di ponsel, tetapi tidak dapat diperiksa setelah data masuk.",
        "en": "The phone applies these rules of the form; they cannot be checked after the data came in.",
    },
    # how to read
    "interval_method": {"id": "Cara menghitung interval", "en": "How the intervals are made"},
    "interval_by_centre": {"id": "Per puskesmas", "en": "By centre"},
    "reading": {"id": "Cara membaca laporan ini", "en": "How to read this report"},
    "source": {"id": "Sumber studi", "en": "Source of the study"},
}

READING: Mapping[str, tuple[tuple[str, str], ...]] = {
    "id": (
        (
            "tau_b",
            "Ukuran kaitan dua urutan kategori, dari −1 sampai 1. Nol: tidak ada kaitan. Semakin jauh dari nol, "
            "semakin sering kedua urutan sejalan (positif) atau berlawanan (negatif).",
        ),
        (
            "N dan interval 95%",
            "N: banyaknya catatan. Interval: nilai tau_b yang masih cocok dengan data. Makin sedikit catatan, makin "
            "lebar intervalnya. Bila mencakup nol, data belum dapat membedakan kaitan dari kebetulan.",
        ),
        (
            "Batas tau_b",
            "Jumlah baris dan kolom membatasi tau_b; sering kali 1 tidak dapat dicapai. Bagian batas "
            "membandingkan tau_b dengan nilai terjauh yang mungkin.",
        ),
        (
            "p",
            "Peluang melihat kaitan sejauh ini atau lebih jauh bila sebenarnya tidak ada. Untuk puskesmas kecil "
            "tersedia p eksak; itulah yang dibaca di sana.",
        ),
        (
            "Gabungan",
            "Hanya membandingkan catatan di dalam puskesmas yang sama, lalu menjumlahkannya. Perbedaan "
            "antarpuskesmas tidak ikut terhitung.",
        ),
    ),
    "en": (
        (
            "tau_b",
            "How two ordered categories go together, from −1 to 1. Zero: no association. The further from zero, the "
            "more often the two orders agree (positive) or oppose each other (negative).",
        ),
        (
            "N and 95% interval",
            "N: the number of records. Interval: the values of tau_b that still fit the data. The fewer records, the "
            "wider it is. Where it includes zero, the data cannot tell an association from chance.",
        ),
        (
            "Attainable range",
            "Row and column totals limit tau_b; often 1 cannot be reached. The share of the limit compares tau_b "
            "with the farthest value possible.",
        ),
        (
            "p",
            "The probability of seeing an association this far from zero, or farther, where there is none. For small "
            "centres there is an exact p; it is the one to read there.",
        ),
        (
            "Pooled",
            "Compares records within the same health centre only, then adds up. Differences between the centres are "
            "not counted.",
        ),
    ),
}
