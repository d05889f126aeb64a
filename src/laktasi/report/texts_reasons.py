"""Words for what the warehouse says in English or as a code: why there is no result, and how an interval was made.

A test holds them in step with laktasi.analysis. What is not here is shown as the warehouse has it.
"""

from __future__ import annotations

from collections.abc import Mapping

Text = Mapping[str, str]

REASONS: Mapping[str, Text] = {
    "no records": {"id": "tidak ada catatan", "en": "no records"},
    "only one record": {"id": "hanya ada satu catatan", "en": "only one record"},
    "all gave the same exposure": {
        "id": "semua catatan sama pada “{exposure}”",
        "en": "all records are alike in “{exposure}”",
    },
    "all gave the same outcome": {
        "id": "semua catatan sama pada “{outcome}”",
        "en": "all records are alike in “{outcome}”",
    },
    "all gave the same exposure and the same outcome": {
        "id": "semua catatan sama pada “{exposure}” dan pada “{outcome}”",
        "en": "all records are alike in “{exposure}” and in “{outcome}”",
    },
    "no centre has a coefficient of its own": {
        "id": "tidak ada puskesmas yang memiliki tau_b sendiri",
        "en": "no health centre has a tau_b of its own",
    },
    "fewer than 10 records": {"id": "kurang dari 10 catatan", "en": "fewer than 10 records"},
    "no centre that has a coefficient of its own has 10 records or more": {
        "id": "tidak ada puskesmas bertau_b yang memiliki 10 catatan atau lebih",
        "en": "no health centre with a tau_b of its own has 10 records or more",
    },
    "only one centre can be used: how much centres differ takes two or more": {
        "id": "hanya satu puskesmas yang dapat dipakai; perbedaan antarpuskesmas baru terlihat dari dua atau lebih",
        "en": "only one health centre can be used; how much centres differ takes two or more",
    },
    "no centre's coefficient changes when one of its records is left out (as in perfect tables): "
    "there is no variance to compare them with": {
        "id": "tau_b tidak berubah di puskesmas mana pun bila satu catatannya dikeluarkan, sehingga tidak ada ragam "
        "sebagai pembanding",
        "en": "no health centre's tau_b changes when one of its records is left out, so there is no variance to "
        "compare them with",
    },
    "every record agrees with as many others as any other does: ase0 is 0, so there is no approx_t": {
        "id": "setiap catatan sejalan dengan sama banyak catatan lain, sehingga T tidak ada",
        "en": "every record agrees with as many others as any other does, so there is no T",
    },
    "more than 999,999,999 records: arrangements are not sampled, so there is no p_exact": {
        "id": "lebih dari 999.999.999 catatan: tidak ada p eksak",
        "en": "more than 999,999,999 records: there is no exact p",
    },
    "fewer than two centres have a coefficient of their own and 10 records or more: there is no Q and no I²": {
        "id": "kurang dari dua puskesmas bertau_b yang memiliki 10 catatan atau lebih, sehingga tidak ada Q dan I²",
        "en": "fewer than two health centres with a tau_b of their own have 10 records or more, so there is no Q or I²",
    },
    "no centre's coefficient changes when one of its records is left out (as in perfect tables): "
    "there is no Q and no I²": {
        "id": "tau_b tidak berubah di puskesmas mana pun bila satu catatannya dikeluarkan, sehingga tidak ada Q dan I²",
        "en": "no health centre's tau_b changes when one of its records is left out, so there is no Q and no I²",
    },
    "two centres only: a prediction interval and a check of small centres take three or more": {
        "id": "hanya dua puskesmas; interval prediksi dan pemeriksaan puskesmas kecil memerlukan tiga atau lebih",
        "en": "two health centres only; a prediction interval and a check of small ones take three or more",
    },
    "all centres used have the same number of records: there is no check of small centres": {
        "id": "jumlah catatan semua puskesmas yang dipakai sama, sehingga puskesmas kecil tidak diperiksa tersendiri",
        "en": "all health centres used have the same number of records, so there is no check of small ones",
    },
    "all are alike in the variable held equal": {
        "id": "semua catatan sama pada variabel yang disamakan",
        "en": "all records are alike in the variable held equal",
    },
    "exposure and the variable held equal order all records alike: one cannot vary without the other": {
        "id": "“{exposure}” dan variabel yang disamakan mengurutkan semua catatan dengan cara yang sama",
        "en": "“{exposure}” and the variable held equal order all records alike",
    },
    "outcome and the variable held equal order all records alike: one cannot vary without the other": {
        "id": "“{outcome}” dan variabel yang disamakan mengurutkan semua catatan dengan cara yang sama",
        "en": "“{outcome}” and the variable held equal order all records alike",
    },
    "exposure and outcome do not both differ among records that are alike in the variable held equal": {
        "id": "di antara catatan dengan variabel kendali yang sama, “{exposure}” dan “{outcome}” tidak sama-sama "
        "berbeda",
        "en": "among records alike in the variable held equal, “{exposure}” and “{outcome}” do not both differ",
    },
    "fewer than 6 pairs": {"id": "kurang dari 6 pasang nilai", "en": "fewer than 6 pairs of values"},
    "no value changed": {"id": "tidak ada nilai yang berubah", "en": "no value changed"},
    "a value is larger than 1e150": {
        "id": "ada nilai yang lebih besar dari 1e150",
        "en": "a value is larger than 1e150",
    },
    "exposure or outcome has one level only": {
        "id": "“{exposure}” atau “{outcome}” hanya memiliki satu tingkat",
        "en": "“{exposure}” or “{outcome}” has one level only",
    },
    "there is no estimate to assume": {
        "id": "tidak ada perkiraan untuk diandaikan",
        "en": "there is no estimate to assume",
    },
    "a tau_b of 0 is assumed: no number of records would find it": {
        "id": "tau_b diandaikan 0: berapa pun catatannya tidak akan menemukannya",
        "en": "a tau_b of 0 is assumed: no number of records would find it",
    },
    "the interval holds 0: no number of records is enough for all that it allows": {
        "id": "interval memuat 0: berapa pun catatannya belum tentu cukup untuk semua nilai di dalamnya",
        "en": "the interval holds 0: no number of records is enough for all that it allows",
    },
    "the assumed tau_b is beyond what these margins allow": {
        "id": "tau_b yang diandaikan melampaui batas yang mungkin",
        "en": "the assumed tau_b is beyond what the margins allow",
    },
    "more than 10,000,000 records": {"id": "lebih dari 10.000.000 catatan", "en": "more than 10,000,000 records"},
}
"""By what the warehouse says."""

CODES: Mapping[str, str] = {
    "no_records": "no records",
    "one_record": "only one record",
    "same_both": "all gave the same exposure and the same outcome",
    "same_exposure": "all gave the same exposure",
    "same_outcome": "all gave the same outcome",
    "too_few_records": "fewer than 10 records",
}
"""Reason codes that stand in analysis.random_effects.left_out; the words are a key of `REASONS`."""

CI_METHODS: Mapping[str, Text] = {
    "smoothed score interval": {"id": "interval skor yang dihaluskan", "en": "smoothed score interval"},
    "smoothed score interval, cut to the attainable range": {
        "id": "interval skor yang dihaluskan, dipotong pada rentang yang mungkin",
        "en": "smoothed score interval, cut to the attainable range",
    },
    "t with (centres used - 1) degrees of freedom, Hartung-Knapp factor of at least 1": {
        "id": "t dengan (puskesmas yang dipakai − 1) derajat bebas, faktor Hartung–Knapp paling sedikit 1",
        "en": "t with (centres used − 1) degrees of freedom, Hartung–Knapp factor of at least 1",
    },
}

P_METHODS: Mapping[str, Text] = {
    "exact, over all signs of the ranks": {"id": "eksak", "en": "exact"},
    "normal distribution, corrected for ties and continuity": {
        "id": "sebaran normal",
        "en": "normal distribution",
    },
}
"""Of the paired analysis."""

BASES: Mapping[str, Text] = {
    "estimate": {"id": "perkiraan proses ini", "en": "this run's estimate"},
    "nearer limit": {"id": "batas interval yang lebih dekat ke nol", "en": "the limit of its interval nearer to zero"},
}
"""Which tau_b the next round assumes."""
