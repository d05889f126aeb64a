"""The sentences of the page about people and places, in every language the report is written in."""

from __future__ import annotations

from collections.abc import Mapping

PEOPLE: Mapping[str, Mapping[str, str]] = {
    "people_intro": {
        "id": "Bagaimana pekerjaan berjalan, menurut petugas dan menurut puskesmas: catatan formulir studi yang sudah "
        "masuk. Angka memulai percakapan, bukan mengakhirinya: petugas yang bekerja di tempat sulit dapat tampak lain "
        "tanpa keliru.",
        "en": "How the work goes, by enumerator and by health centre: the records of the study's form that have come "
        "in. A number begins a conversation and does not end it: whoever works in a difficult place can look different "
        "and do everything right.",
    },
    "people_order": {
        "id": "Urutan mengikuti kode, tidak pernah mengikuti angka: peringkat dari angka kecil terutama "
        "memperlihatkan kebetulan.",
        "en": "The order is that of the codes, never that of a number: a ranking of small numbers shows chance above "
        "all.",
    },
    # at a glance
    "glance": {"id": "Sekilas", "en": "At a glance"},
    "glance_counts": {
        "id": "{records} catatan dari {enumerators} petugas di {centres} puskesmas; catatan terakhir tanggal {last}.",
        "en": "Records: {records}, by {enumerators} enumerators at {centres} health centres; the last one of {last}.",
    },
    "glance_without_day": {
        "id": "{n} catatan tidak punya hari yang dapat dipercaya (jam ponsel keliru atau tidak dicatat); catatan itu "
        "tidak ada di grafik harian.",
        "en": "Records without a day that can be trusted (the phone's clock was wrong, or kept none): {n}. They are "
        "not in the daily figures.",
    },
    "glance_targets": {
        "id": "Target: {included} dari {target} catatan yang memenuhi syarat ({percent}). Tercapai di {reached} dari "
        "{centres} puskesmas yang punya target.",
        "en": "Targets: {included} of {target} records that fit the study ({percent}). Reached at {reached} of the "
        "{centres} health centres that have one.",
    },
    "glance_overdue": {
        "id": "Sudah lewat tanggal dan belum tercapai: {names}.",
        "en": "Past their day and not reached: {names}.",
    },
    "glance_nothing": {
        "id": "Belum ada catatan.",
        "en": "There are no records yet.",
    },
    "marked": {
        "id": "Berbeda dari keseluruhan",
        "en": "Different from the overall rate",
    },
    "marked_line_above": {"id": "{measure}, di atas {overall}: {names}.", "en": "{measure}, above {overall}: {names}."},
    "marked_line_below": {
        "id": "{measure}, di bawah {overall}: {names}.",
        "en": "{measure}, below {overall}: {names}.",
    },
    "marked_none": {
        "id": "Tidak ada yang ditandai di atas atau di bawah angka keseluruhan.",
        "en": "Nobody is marked as lying above or below the overall rate.",
    },
    "marked_more": {"id": "dan {n} lainnya", "en": "and {n} more"},
    "marked_chance": {
        "id": "Ditandai: {marked} dari {compared} angka. Andaikan semua sama, kebetulan saja menandai sampai "
        "{expected} di antaranya.",
        "en": "Marked: {marked} of {compared} rates. If all were alike, chance alone would mark up to {expected} of "
        "them.",
    },
    # over time
    "daily": {"id": "Dari hari ke hari", "en": "Day by day"},
    "period_day": {"id": "Catatan per hari", "en": "Records per day"},
    "period_week": {"id": "Catatan per minggu", "en": "Records per week"},
    "period_month": {"id": "Catatan per bulan", "en": "Records per month"},
    "strip_alt": {
        "id": "{what} dari {first} sampai {last}; paling banyak {most}.",
        "en": "{what} from {first} to {last}; {most} at most.",
    },
    "strip_most": {"id": "terbanyak {n}", "en": "at most {n}"},
    # the tables
    "kind_enumerator": {"id": "Petugas", "en": "Enumerators"},
    "kind_centre": {"id": "Puskesmas", "en": "Health centres"},
    "name_enumerator": {"id": "Petugas", "en": "Enumerator"},
    "name_centre": {"id": "Puskesmas", "en": "Health centre"},
    "work": {"id": "Pekerjaan", "en": "Work"},
    "rates": {"id": "Seberapa sering", "en": "How often"},
    "col_records": {"id": "Catatan", "en": "Records"},
    "col_accepted_of": {"id": "Diterima / syarat", "en": "Accepted / fit"},
    "col_days": {"id": "Hari kerja", "en": "Days worked"},
    "col_per_day": {"id": "Per hari", "en": "Per day"},
    "col_strip": {"id": "Perjalanan", "en": "Over time"},
    "col_minutes": {"id": "Menit", "en": "Minutes"},
    "col_last": {"id": "Catatan terakhir", "en": "Last record"},
    "col_findings": {"id": "Salah / ingat", "en": "Errors / warnings"},
    "col_target": {"id": "Target", "en": "Target"},
    "days_before": {"id": "tertinggal {n} hari", "en": "{n} days behind"},
    "days_before_none": {"id": "terbaru", "en": "newest"},
    "findings_cell": {"id": "{errors} / {warnings}", "en": "{errors} / {warnings}"},
    "findings_group": {"id": "+ {n} tentangnya", "en": "+ {n} as a whole"},
    "target_cell": {"id": "{included} dari {target}", "en": "{included} of {target}"},
    "target_until": {"id": "sampai {day}", "en": "by {day}"},
    "target_overdue": {"id": "lewat tanggal", "en": "past its day"},
    "target_reached": {"id": "tercapai", "en": "reached"},
    "no_record": {"id": "belum ada", "en": "none yet"},
    "too_few": {"id": "terlalu sedikit", "en": "too few"},
    "above": {"id": "di atas", "en": "above"},
    "below": {"id": "di bawah", "en": "below"},
    "overall": {"id": "Keseluruhan", "en": "Overall"},
    "work_help": {
        "id": "Per hari: catatan per hari kerja. Perjalanan: waktu yang sama seperti grafik di atas, tinggi menurut "
        "hari tersibuk masing-masing. Menit: nilai tengah (separuh catatan ada di antara angka dalam kurung), hanya "
        "dari yang bersedia dan belum diubah. Tertinggal: hari antara catatan terakhirnya dan catatan terbaru dalam "
        "studi. Salah / ingat: kesalahan dan peringatan yang masih terbuka.",
        "en": "Per day: records per day worked. Over time: the same time as in the figure above, as high as its own "
        "busiest day. Minutes: the median (half of the records lie between the numbers in brackets), of those who "
        "consented and whose record was not edited. Behind: days between its last record and the newest one of the "
        "study. Errors / warnings: findings still open.",
    },
    "target_help": {
        "id": "Target: catatan yang memenuhi syarat studi, menurut schemas/targets.csv.",
        "en": "Target: records that fit the study, as schemas/targets.csv says.",
    },
    "rates_help": {
        "id": "Titik: angkanya. Garis: interval 95%, makin sedikit catatan makin lebar. Garis tegak: keseluruhan. "
        "Tanda “di atas” atau “di bawah”: seluruh interval ada di sisi itu, dan uji eksak sependapat. "
        "Kurang dari {n} catatan: terlalu sedikit, "
        "tanpa interval dan tanpa tanda.",
        "en": "Dot: the rate. Line: its 95% interval, wider where there are fewer records. Upright line: overall. "
        "“Above” or “below”: the whole interval lies on that side, and an exact test agrees. "
        "Fewer than {n} records: too few, with neither an "
        "interval nor a mark.",
    },
    "measure_error": {"id": "Ada kesalahan", "en": "Has an error"},
    "measure_refusal": {"id": "Menolak ikut", "en": "Declined"},
    "measure_missing": {"id": "Dikosongkan", "en": "Left empty"},
    "measure_dont_know": {"id": "Tidak tahu", "en": "Don't know"},
    "measure_refused": {"id": "Tidak mau menjawab", "en": "Would not say"},
    "measure_other": {"id": "Lainnya", "en": "Other"},
    "about_error": {
        "id": "Catatan yang punya kesalahan yang masih terbuka, dari semua catatan.",
        "en": "Records that have an error which is still open, of all records.",
    },
    "about_refusal": {
        "id": "Responden yang menolak ikut serta, dari semua catatan.",
        "en": "Respondents who declined to take part, of all records.",
    },
    "about_missing": {
        "id": "Pertanyaan yang dikosongkan, dari pertanyaan yang menurut formulir berlaku bagi responden itu.",
        "en": "Questions left empty, of the questions that the form put to this respondent.",
    },
    "about_dont_know": {
        "id": "Jawaban “tidak tahu”, dari jawaban atas pertanyaan yang menyediakannya.",
        "en": "“Don't know”, of the answers to questions that offer it.",
    },
    "about_refused": {
        "id": "“Tidak mau menjawab”, dari jawaban atas pertanyaan yang menyediakannya.",
        "en": "“Would not say”, of the answers to questions that offer it.",
    },
    "about_other": {
        "id": "“Lainnya”, dari jawaban atas pertanyaan yang menyediakannya.",
        "en": "“Other”, of the answers to questions that offer it.",
    },
    "cut_all": {
        "id": "{total} terlalu banyak untuk satu halaman. Di sini {shown}: yang berbeda dalam sesuatu, ada temuannya, "
        "atau lewat target. Angka semuanya ada dalam data peneliti: marts.people, marts.people_rates, marts.daily.",
        "en": "{total} are too many for one page. Here are {shown}: those that differ in something, have a finding "
        "about them, or are past their target. The numbers of all stand in the researchers' data: marts.people, "
        "marts.people_rates, marts.daily.",
    },
    # answers
    "digits": {"id": "Angka yang berakhir 0 atau 5", "en": "Numbers that end in 0 or 5"},
    "digits_intro": {
        "id": "Bila seseorang membulatkan atau mengira-ngira, angka berakhir 0 dan 5 menumpuk. Setiap petugas "
        "dibandingkan dengan semua petugas lain, hanya angka dua digit atau lebih.",
        "en": "Where someone rounds or guesses, numbers ending in 0 and 5 pile up. Each enumerator is compared with "
        "all others, by numbers of two digits or more.",
    },
    "digits_others": {
        "id": "Bila semua angka akhir sama seringnya, seperlimanya berakhir 0 atau 5.",
        "en": "Were all last digits equally frequent, a fifth would end in 0 or 5.",
    },
    "frequent": {"id": "Pilihan yang terlalu sering", "en": "Choices that are too frequent"},
    "frequent_intro": {
        "id": "Pilihan tersering setiap petugas pada setiap pertanyaan, dibandingkan dengan rekan di puskesmas yang "
        "sama. Di mana seorang petugas bekerja sendiri, tidak ada pembanding.",
        "en": "Each enumerator's most frequent choice in each question, compared with what colleagues enter at the "
        "same health centres. Where an enumerator works alone there is nobody to compare with.",
    },
    "compared": {
        "id": "Perbandingan: {n}. Nilai p sudah dikalikan banyaknya perbandingan; di bawah 0,05 kebetulan sulit "
        "menjelaskannya.",
        "en": "Comparisons: {n}. The p is multiplied by their number already; below 0.05 chance is a poor explanation.",
    },
    "compared_none": {
        "id": "Jawaban belum cukup untuk dibandingkan.",
        "en": "There are too few answers to compare.",
    },
    "none_beyond_chance": {
        "id": "Tidak ada yang melebihi kebetulan.",
        "en": "None goes beyond chance.",
    },
    "col_question": {"id": "Pertanyaan", "en": "Question"},
    "col_choice": {"id": "Pilihan", "en": "Choice"},
    "col_share": {"id": "Bagian", "en": "Share"},
    "col_others": {"id": "Yang lain", "en": "Others"},
    "col_p": {"id": "p × banyaknya", "en": "p × number"},
    "share_cell": {"id": "{percent} ({k} dari {n})", "en": "{percent} ({k} of {n})"},
    "only_first": {
        "id": "Hanya {n} yang pertama menurut kode petugas.",
        "en": "Only the first {n} by enumerator's code.",
    },
    # how it is reckoned
    "people_reading": {"id": "Cara menghitung", "en": "How it is reckoned"},
    "people_method": {
        "id": "Interval: Wilson (1927), 95%. Pertanyaan-pertanyaan dalam satu catatan tidak lepas satu sama lain; "
        "interval untuk pertanyaan karena itu dilebarkan menurut perbedaan antarcatatan (Kish 1965). Tanda menuntut "
        "dua hal: seluruh interval di satu sisi, dan peluang eksak paling banyak 0,025 di sisi itu. Angka berakhir 0 "
        "atau 5: uji eksak Fisher. Pilihan yang terlalu sering: uji Cochran–Mantel–Haenszel per puskesmas. Keduanya "
        "dikoreksi menurut Bonferroni.",
        "en": "Intervals: Wilson (1927), 95%. The questions of one record are not independent of each other, so "
        "intervals about questions are widened by how much records differ (Kish 1965). A mark asks for two things: the "
        "whole interval on one side, and an exact probability of 0.025 at most on that side. Numbers ending in 0 or 5: "
        "Fisher's exact test. Choices that are too frequent: the test of Cochran, Mantel and Haenszel, health centre "
        "by health centre. Both are corrected after Bonferroni.",
    },
    # corrections, on the front page
    "corrections": {"id": "Perbaikan oleh tim", "en": "Corrections by the team"},
    "corrections_intro": {
        "id": "Keputusan dalam schemas/corrections/, menurut keadaannya. Data mentah tidak pernah diubah.",
        "en": "Decisions in schemas/corrections/, by how they stand. The raw data are never changed.",
    },
    "decision_applied": {"id": "Berlaku", "en": "Applied"},
    "decision_settled": {"id": "Sudah sama di sumbernya", "en": "Said by the source itself by now"},
    "decision_stale": {"id": "Usang: sumbernya berubah sejak itu", "en": "Stale: the source has changed since"},
    "decision_waiting": {"id": "Menunggu catatannya", "en": "Waiting for their record"},
    "decision_withdrawn": {"id": "Ditarik kembali", "en": "Withdrawn"},
    "decision_expired": {"id": "Lewat masanya", "en": "Past their day"},
    "corrections_none": {
        "id": "Tidak ada keputusan tim tentang catatan.",
        "en": "The team has made no decision about any record.",
    },
}
