"""The sentences of the front page, of the analysis in full, and of the pages about centres, in every language."""

from __future__ import annotations

from collections.abc import Mapping

Text = Mapping[str, str]

FRONT: Mapping[str, Text] = {
    "asked": {"id": "Yang ditanyakan", "en": "What was asked"},
    "asked_sentence": {
        "id": "Apakah <strong>{exposure}</strong> berkaitan dengan <strong>{outcome}</strong>? Dihitung dari {n} "
        "kuesioner di {centres} puskesmas.",
        "en": "Is <strong>{exposure}</strong> associated with <strong>{outcome}</strong>? Counted from {n} "
        "questionnaires of {centres} health centres.",
    },
    "found": {"id": "Temuan utama", "en": "The main finding"},
    "tile_accepted": {"id": "kuesioner diterima", "en": "questionnaires accepted"},
    "tile_centres": {"id": "puskesmas", "en": "health centres"},
    "tile_aside": {"id": "disisihkan", "en": "set aside"},
    "picture": {
        "id": "{outcome} menurut {exposure}, semua puskesmas",
        "en": "{outcome} by {exposure}, all health centres",
    },
    "picture_at": {"id": "{outcome} menurut {exposure}", "en": "{outcome} by {exposure}"},
    "bar_alt": {"id": "{exposure} “{level}” (N = {n}): {parts}.", "en": "{exposure} “{level}” (N = {n}): {parts}."},
    "bar_part": {"id": "“{level}” {percent}", "en": "“{level}” {percent}"},
    "as_table": {"id": "Angka gambar sebagai tabel", "en": "The numbers of the figure as a table"},
    "quality": {"id": "Mutu data", "en": "Data quality"},
    "quality_line": {
        "id": "Dari {included} kuesioner yang memenuhi syarat studi, {set_aside} ({share}) disisihkan sampai "
        "kesalahannya diperbaiki; {mended} temuan sudah diperbaiki.",
        "en": "Of {included} questionnaires that fit the study, {set_aside} ({share}) are set aside until their errors "
        "are mended; {mended} findings have been mended.",
    },
    "withheld": {"id": "Yang tidak ditampilkan", "en": "What is withheld"},
    "withheld_line": {
        "id": "{columns} kolom yang dapat mengenali seseorang tidak pernah keluar dari gudang data pribadi; laporan "
        "ini hanya memuat jumlah, bukan jawaban perorangan. {without} puskesmas tidak memiliki tau_b, dan alasannya "
        "disebutkan.",
        "en": "{columns} columns that could identify a person never leave the private warehouse; this report holds "
        "counts only, no person's answers. {without} health centres have no tau_b, and the reason is given.",
    },
    "changed": {"id": "Perubahan sejak proses sebelumnya", "en": "Changed since the last run"},
    "change_new": {"id": "{n} catatan baru ({cause})", "en": "{n} new records ({cause})"},
    "change_gone": {"id": "{n} catatan tidak dihitung lagi ({cause})", "en": "{n} records no longer counted ({cause})"},
    "change_changed": {"id": "{n} catatan berubah ({cause})", "en": "{n} records changed ({cause})"},
    "cause_new_submission": {"id": "kiriman baru", "en": "new submissions"},
    "cause_edited_submission": {"id": "kiriman disunting", "en": "edited submissions"},
    "cause_deletion": {"id": "dihapus", "en": "deleted"},
    "cause_withdrew": {"id": "mengundurkan diri", "en": "left the study"},
    "cause_decision": {"id": "keputusan tim", "en": "decisions of the team"},
    "cause_review_state": {"id": "status tinjauan", "en": "review state"},
    "cause_finding": {"id": "temuan dibuka atau diperbaiki", "en": "findings opened or mended"},
    "cause_form_version": {"id": "versi formulir", "en": "form version"},
    "cause_schemas": {"id": "berkas di schemas/ berubah", "en": "a file in schemas/ changed"},
    "cause_code": {"id": "perangkat lunak berubah", "en": "the software changed"},
    "cause_unexplained": {"id": "tanpa penjelasan", "en": "unexplained"},
    "change_result": {
        "id": "{exposure} × {outcome}: tau_b gabungan {before} (<span>N = {n_before}</span>) menjadi {after} "
        "(<span>N = {n}</span>)",
        "en": "{exposure} × {outcome}: pooled tau_b {before} (<span>N = {n_before}</span>) is now {after} "
        "(<span>N = {n}</span>)",
    },
    "more_analysis": {"id": "Semua angka analisis ini", "en": "All numbers of this analysis"},
    "more_data": {"id": "Data dan temuan pemeriksaan", "en": "Data and findings"},
    "caterpillar": {
        "id": "Interval tau_b setiap puskesmas: {exposure} dan {outcome}",
        "en": "Every health centre's interval of tau_b: {exposure} and {outcome}",
    },
    "caterpillar_alt": {
        "id": "{used} puskesmas, yang catatannya terbanyak di atas. Interval 95% seluruhnya di atas nol di {above}, di "
        "bawah nol di {below}, mencakup nol di {unclear}. Tabel di bawah gambar memuat angkanya.",
        "en": "{used} health centres, those with most records on top. The 95% interval lies wholly above zero in "
        "{above}, below zero in {below}, and includes zero in {unclear}. The table below the figure has the numbers.",
    },
    "caterpillar_help": {
        "id": "Satu garis: satu puskesmas, tau_b dengan interval 95%, yang catatannya terbanyak di atas. Urutan ini "
        "bukan peringkat. Wajik: perkiraan dari semua puskesmas; garis pada wajik: tempat tau_b satu puskesmas serupa "
        "berikutnya diperkirakan berada.",
        "en": "One line: one health centre, tau_b with its 95% interval, those with most records on top. The order is "
        "no ranking. Diamond: an estimate over all centres; the line through it: where the tau_b of one more such "
        "centre is expected.",
    },
    "by_size": {"id": "Puskesmas menurut banyaknya catatan", "en": "Health centres by number of records"},
    "size": {"id": "Catatan (N)", "en": "Records (N)"},
    "col_above": {"id": "Di atas nol", "en": "Above zero"},
    "col_unclear": {"id": "Mencakup nol", "en": "Includes zero"},
    "col_below": {"id": "Di bawah nol", "en": "Below zero"},
    "col_without": {"id": "Tanpa tau_b", "en": "No tau_b"},
    "summary_pooled": {"id": "Gabungan di dalam puskesmas", "en": "Pooled within centres"},
    "summary_mean": {"id": "Rata-rata puskesmas", "en": "Mean over centres"},
    "mean_sentence": {
        "id": "Rata-rata puskesmas: tau_b {tau} (interval 95% {low} sampai {high}, {used} puskesmas).",
        "en": "Mean over health centres: tau_b {tau} (95% interval {low} to {high}, {used} centres).",
    },
    "next_same": {
        "id": "Di satu puskesmas serupa berikutnya, tau_b diperkirakan antara {low} dan {high}: searah dengan "
        "rata-rata.",
        "en": "In one more such centre, tau_b is expected between {low} and {high}: in the direction of the mean.",
    },
    "next_either": {
        "id": "Di satu puskesmas serupa berikutnya, tau_b diperkirakan antara {low} dan {high}: dapat juga tanpa "
        "kaitan, atau berlawanan arah.",
        "en": "In one more such centre, tau_b is expected between {low} and {high}: there may be no association there, "
        "or one in the other direction.",
    },
    "share_beyond": {
        "id": "{i2} dari perbedaan antarpuskesmas melebihi kebetulan (I²).",
        "en": "{i2} of the differences between centres is more than chance (I²).",
    },
    "without_one": {
        "id": "Tanpa salah satu puskesmas, rata-rata itu antara {low} dan {high}: {judged}.",
        "en": "Without any one of the centres, the mean lies between {low} and {high}: {judged}.",
    },
    "carried_no": {"id": "tidak ada satu puskesmas yang menentukannya", "en": "no single centre carries it"},
    "carried_yes": {
        "id": "tanpa satu puskesmas tertentu, intervalnya mencakup nol",
        "en": "without a certain one, its interval includes zero",
    },
    "small_differ": {
        "id": "Puskesmas dengan sedikit catatan memberi tau_b yang lain daripada yang besar (<span>p {p}</span>): "
        "bacalah rata-rata itu dengan hati-hati.",
        "en": "Centres with few records give another tau_b than large ones (<span>p {p}</span>): read the mean with "
        "care.",
    },
    "small_alike": {
        "id": "Puskesmas kecil tidak tampak berbeda dari yang besar (<span>p {p}</span>).",
        "en": "Small centres are not seen to differ from large ones (<span>p {p}</span>).",
    },
    "not_used": {
        "id": "Puskesmas yang tidak dipakai untuk rata-rata: {list}.",
        "en": "Centres that are not used for the mean: {list}.",
    },
}

ANALYSIS: Mapping[str, Text] = {
    "analysis_intro": {
        "id": "Semua angka di balik ringkasan. Nama setiap ukuran menuju penjelasan cara menghitungnya.",
        "en": "All numbers behind the overview. The name of each measure leads to how it is made.",
    },
    "mean_tau": {"id": "Rata-rata puskesmas (efek acak)", "en": "Mean over centres (random effects)"},
    "prediction": {"id": "Puskesmas serupa berikutnya (95%)", "en": "One more such centre (95%)"},
    "tau2": {"id": "Ragam antarpuskesmas τ²", "en": "Variance between centres τ²"},
    "mean_used": {"id": "Puskesmas untuk rata-rata", "en": "Centres in the mean"},
    "small_slope": {"id": "Puskesmas kecil: kemiringan atas 1/√N", "en": "Small centres: slope on 1/√N"},
    "p_holm": {"id": "p (Holm)", "en": "p (Holm)"},
    "holm_help": {
        "id": "p (Holm) memperhitungkan bahwa semua puskesmas ini diuji bersamaan.",
        "en": "p (Holm) allows for all these centres being tested at once.",
    },
    "too_many_rows": {
        "id": "Hasil {n} puskesmas terlalu banyak untuk satu tabel: setiap puskesmas memiliki halamannya sendiri, dan "
        "semua angka ada dalam data peneliti (analysis.kendall_latest, analysis.leave_one_out_latest).",
        "en": "The results of {n} centres are too many for one table: each centre has a page of its own, and all "
        "numbers stand in the researchers' data (analysis.kendall_latest, analysis.leave_one_out_latest).",
    },
    "leave_one_out": {"id": "Rata-rata tanpa satu puskesmas", "en": "The mean without one centre"},
    "left_out_centre": {"id": "Tanpa", "en": "Without"},
    "adjusted": {"id": "Dengan variabel ketiga disamakan", "en": "With a third variable held equal"},
    "adjusted_help": {
        "id": "Apakah kaitan itu tetap ada di antara catatan yang sama pada variabel ketiga? Berlapis: hanya pasangan "
        "catatan yang sama pada variabel itu, di puskesmas yang sama. Parsial: tau parsial Kendall.",
        "en": "Does the association remain among records alike in a third variable? Stratified: only pairs of records "
        "alike in it, of the same centre. Partial: Kendall's partial tau.",
    },
    "covariate": {"id": "Disamakan", "en": "Held equal"},
    "method": {"id": "Cara", "en": "Method"},
    "method_partial": {"id": "parsial", "en": "partial"},
    "method_stratified": {"id": "berlapis", "en": "stratified"},
    "unadjusted": {"id": "tanpa disamakan", "en": "nothing held equal"},
    "trend": {"id": "Dari waktu ke waktu", "en": "Over time"},
    "trend_title": {"id": "tau_b di dalam puskesmas, per {unit}", "en": "tau_b within centres, by {unit}"},
    "trend_alt": {
        "id": "{periods} periode, dari {first} sampai {last}. tau_b antara {low} dan {high}. Tabel di bawah gambar "
        "memuat angkanya.",
        "en": "{periods} periods, from {first} to {last}. tau_b between {low} and {high}. The table below the figure "
        "has the numbers.",
    },
    "unit_week": {"id": "minggu", "en": "week"},
    "unit_month": {"id": "bulan", "en": "month"},
    "unit_quarter": {"id": "triwulan", "en": "quarter"},
    "unit_year": {"id": "tahun", "en": "year"},
    "period": {"id": "Periode mulai", "en": "Period from"},
    "next_round": {"id": "Putaran berikutnya", "en": "The next round"},
    "next_round_help": {
        "id": "Banyaknya catatan di satu puskesmas yang diperlukan agar uji dua sisi (taraf {alpha}) menemukan kaitan "
        "sebesar itu, dengan jumlah baris dan kolom seperti dalam proses ini.",
        "en": "How many records one centre needs for a two-sided test (level {alpha}) to find an association of that "
        "size, with row and column totals like those of this run.",
    },
    "basis": {"id": "tau_b yang diandaikan", "en": "Assumed tau_b"},
    "power": {"id": "Peluang menemukan", "en": "Chance to find it"},
    "needed": {"id": "Catatan diperlukan", "en": "Records needed"},
    "half_width": {"id": "Setengah lebar interval", "en": "Half width of interval"},
    "paired": {"id": "Sebelum dan sesudah", "en": "Before and after"},
    "paired_help": {
        "id": "Diukur dua kali pada orang yang sama. Perubahan: sesudah dikurangi sebelum, perkiraan Hodges–Lehmann. "
        "Tanpa pembanding, perubahan tidak menunjukkan penyebabnya.",
        "en": "Measured twice in the same person. Change: after minus before, Hodges and Lehmann's estimate. Without "
        "a comparison, a change does not show what brought it about.",
    },
    "paired_measure": {"id": "Ukuran", "en": "Measure"},
    "pairs_of_values": {"id": "Pasang nilai", "en": "Pairs of values"},
    "median_before": {"id": "Median sebelum", "en": "Median before"},
    "median_after": {"id": "Median sesudah", "en": "Median after"},
    "change": {"id": "Perubahan", "en": "Change"},
    "paired_centres": {"id": "Per puskesmas", "en": "By health centre"},
    "all_centres": {"id": "Semua puskesmas", "en": "All health centres"},
    "not_computed": {"id": "Tidak dihitung", "en": "Not computed"},
    "forest_picture": {"id": "tau_b dan interval", "en": "tau_b and interval"},
}

CENTRES: Mapping[str, Text] = {
    "centres_intro": {
        "id": "Setiap puskesmas memiliki halamannya sendiri. Urut menurut abjad; bukan peringkat.",
        "en": "Each health centre has a page of its own. In alphabetical order; no ranking.",
    },
    "search": {"id": "Cari nama atau kode", "en": "Search by name or code"},
    "search_none": {"id": "Tidak ada yang cocok.", "en": "Nothing matches."},
    "from_to": {"id": "{first} – {last} ({n})", "en": "{first} – {last} ({n})"},
    "map": {"id": "Peta puskesmas", "en": "Map of health centres"},
    "map_alt": {
        "id": "{n} puskesmas, antara {south} dan {north}, {west} dan {east}. Tabel di bawah gambar memuat letaknya.",
        "en": "{n} health centres, between {south} and {north}, {west} and {east}. The table below the figure has the "
        "positions.",
    },
    "map_alt_many": {
        "id": "{n} puskesmas, antara {south} dan {north}, {west} dan {east}. Letaknya ada dalam data peneliti: "
        "marts.centre_positions.",
        "en": "{n} health centres, between {south} and {north}, {west} and {east}. The positions stand in the "
        "researchers' data: marts.centre_positions.",
    },
    "map_help": {
        "id": "Letak: titik tengah wawancara. Lingkaran: makin banyak catatan makin besar. Isi menunjukkan interval "
        "tau_b {exposure} × {outcome}; bukan penilaian puskesmas.",
        "en": "Position: the middle of where interviews were held. Circle: larger with more records. The fill tells of "
        "the interval of tau_b of {exposure} × {outcome}; it does not judge the centre.",
    },
    "key_above": {"id": "seluruhnya di atas nol", "en": "wholly above zero"},
    "key_below": {"id": "seluruhnya di bawah nol", "en": "wholly below zero"},
    "key_unclear": {"id": "mencakup nol", "en": "includes zero"},
    "key_none": {"id": "tanpa tau_b", "en": "no tau_b"},
    "latitude": {"id": "Lintang", "en": "Latitude"},
    "longitude": {"id": "Bujur", "en": "Longitude"},
    "north": {"id": "{n}° LU", "en": "{n}° N"},
    "south": {"id": "{n}° LS", "en": "{n}° S"},
    "east": {"id": "{n}° BT", "en": "{n}° E"},
    "west": {"id": "{n}° BB", "en": "{n}° W"},
    # the page of one centre
    "of_study": {
        "id": "Hasil untuk puskesmas ini dari studi: {title}",
        "en": "Results for this health centre of: {title}",
    },
    "glance_centre": {"id": "Sekilas", "en": "At a glance"},
    "few_note": {
        "id": "Catatan yang diterima baru {n}, kurang dari {few}. Dari jumlah sekecil ini belum dapat ditarik "
        "kesimpulan apa pun; halaman ini hanya memuat hitungannya. Jangan diteruskan: dari angka kecil seseorang dapat "
        "dikenali.",
        "en": "Only {n} records are accepted, fewer than {few}. Nothing can be concluded from so few; this page holds "
        "the counts only. Do not pass it on: small numbers can point to a person.",
    },
    "here_positive": {
        "id": "Di puskesmas ini, <strong>{exposure}</strong> dan <strong>{outcome}</strong> cenderung tinggi "
        "bersama-sama",
        "en": "At this health centre, <strong>{exposure}</strong> and <strong>{outcome}</strong> tend to be high "
        "together",
    },
    "here_negative": {
        "id": "Di puskesmas ini, bila <strong>{exposure}</strong> tinggi, <strong>{outcome}</strong> cenderung rendah",
        "en": "At this health centre, where <strong>{exposure}</strong> is high, <strong>{outcome}</strong> tends to "
        "be low",
    },
    "here_unclear": {
        "id": "Data puskesmas ini sendiri belum cukup untuk mengatakan apakah <strong>{exposure}</strong> berkaitan "
        "dengan <strong>{outcome}</strong>: intervalnya mencakup nol",
        "en": "This health centre's own data are too few to tell whether <strong>{exposure}</strong> is associated "
        "with <strong>{outcome}</strong>: the interval includes zero",
    },
    "here_none": {
        "id": "Untuk <strong>{exposure}</strong> dan <strong>{outcome}</strong> belum ada tau_b di puskesmas ini: "
        "{reason}.",
        "en": "For <strong>{exposure}</strong> and <strong>{outcome}</strong> there is no tau_b at this health centre "
        "yet: {reason}.",
    },
    "here_numbers": {
        "id": "(tau_b {tau}, interval 95% {low} sampai {high}, <span>N = {n}</span>).",
        "en": "(tau_b {tau}, 95% interval {low} to {high}, <span>N = {n}</span>).",
    },
    "not_a_grade": {
        "id": "Angka ini menggambarkan jawaban dalam data. Ini bukan nilai bagi puskesmas atau petugasnya, dan tidak "
        "menunjukkan bahwa yang satu menimbulkan yang lain.",
        "en": "These numbers describe answers in the data. They are no mark for the health centre or its staff, and do "
        "not show that one thing brings about the other.",
    },
    "your_tables": {"id": "Tabel puskesmas ini", "en": "The tables of this health centre"},
    "place_among": {"id": "Di antara puskesmas lain", "en": "Among the other health centres"},
    "place_alt": {
        "id": "Puskesmas ini: tau_b {tau} (interval 95% {low} sampai {high}). Gabungan semua puskesmas: {pooled}.",
        "en": "This health centre: tau_b {tau} (95% interval {low} to {high}). All centres pooled: {pooled}.",
    },
    "place_help": {
        "id": "Garis tebal: puskesmas ini. Garis pudar: {others} puskesmas lain, yang catatannya terbanyak di atas. "
        "Urutan ini bukan peringkat. Makin sedikit catatan, makin lebar garisnya.",
        "en": "Strong line: this health centre. Faint lines: {others} others, those with most records on top. The "
        "order is no ranking. The fewer records, the wider the line.",
    },
    "place_some": {
        "id": "({others} dari {all}, merata dari yang terbesar sampai yang terkecil.)",
        "en": "({others} of {all}, evenly from the largest to the smallest.)",
    },
    "to_mend": {"id": "Yang perlu diperbaiki", "en": "What to mend"},
    "to_mend_intro": {
        "id": "Banyaknya kuesioner dari puskesmas ini yang melanggar setiap aturan. Petugas menerima daftarnya "
        "sendiri.",
        "en": "How many questionnaires of this health centre break each rule. Enumerators get a list of their own.",
    },
    "nothing_to_mend": {
        "id": "Tidak ada yang perlu diperbaiki saat ini. Terima kasih.",
        "en": "Nothing to mend at the moment. Thank you.",
    },
    "what_it_does": {"id": "Akibatnya", "en": "What it does"},
    "mend_aside": {"id": "disisihkan", "en": "set aside"},
    "mend_counted": {"id": "tetap dihitung", "en": "still counts"},
    "read_more": {"id": "Cara menghitung dan membaca", "en": "How it is made and read"},
}
