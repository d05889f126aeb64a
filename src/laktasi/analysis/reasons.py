"""Why there is no result, or not all of it, in words: what cannot be computed says so, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.pairs import PairCounts

NO_RECORDS = "no_records"
ONE_RECORD = "one_record"
SAME_BOTH = "same_both"
SAME_EXPOSURE = "same_exposure"
SAME_OUTCOME = "same_outcome"
ALL_ALIKE = "all_alike"
NO_CENTRE = "no_centre"
TOO_FEW = "too_few_records"
NO_LARGE_CENTRE = "no_large_centre"
ONE_CENTRE = "one_centre"
NO_VARIANCE = "no_variance"
TWO_CENTRES = "two_centres"
ONE_SIZE = "one_size"
SAME_COVARIATE = "same_covariate"
COVARIATE_IS_EXPOSURE = "covariate_is_exposure"
COVARIATE_IS_OUTCOME = "covariate_is_outcome"
NO_STRATUM = "no_stratum"
TOO_MANY = "too_many_records"
NOT_COMPARED = "not_compared"
NO_VARIANCE_OF_Q = "no_variance_of_q"

REASONS: Mapping[str, Mapping[str, str]] = {
    NO_RECORDS: {"en": "no records", "id": "tidak ada data"},
    ONE_RECORD: {"en": "only one record", "id": "hanya ada satu data"},
    SAME_BOTH: {
        "en": "all gave the same exposure and the same outcome",
        "id": "paparan dan hasil semua responden sama",
    },
    SAME_EXPOSURE: {"en": "all gave the same exposure", "id": "paparan semua responden sama"},
    SAME_OUTCOME: {"en": "all gave the same outcome", "id": "hasil semua responden sama"},
    ALL_ALIKE: {
        "en": "every record agrees with as many others as any other does: ase0 is 0, so there is no approx_t",
        "id": "setiap data sejalan dengan data lain yang sama banyaknya: ase0 adalah 0, sehingga tidak ada approx_t",
    },
    NO_CENTRE: {
        "en": "no centre has a coefficient of its own",
        "id": "tidak ada puskesmas yang memiliki koefisien sendiri",
    },
    TOO_FEW: {"en": "fewer than 10 records", "id": "kurang dari 10 data"},
    NO_LARGE_CENTRE: {
        "en": "no centre that has a coefficient of its own has 10 records or more",
        "id": "tidak ada puskesmas berkoefisien sendiri yang memiliki 10 data atau lebih",
    },
    ONE_CENTRE: {
        "en": "only one centre can be used: how much centres differ takes two or more",
        "id": "hanya satu puskesmas yang dapat dipakai: perbedaan antarpuskesmas baru terlihat dari dua atau lebih",
    },
    NO_VARIANCE: {
        "en": "no centre's coefficient changes when one of its records is left out (as in perfect tables): "
        "there is no variance to compare them with",
        "id": "koefisien tidak berubah di puskesmas mana pun bila satu datanya dikeluarkan "
        "(seperti pada tabel sempurna): tidak ada ragam sebagai pembanding",
    },
    TWO_CENTRES: {
        "en": "two centres only: a prediction interval and a check of small centres take three or more",
        "id": "hanya dua puskesmas: interval prediksi dan pemeriksaan puskesmas kecil memerlukan tiga atau lebih",
    },
    ONE_SIZE: {
        "en": "all centres used have the same number of records: there is no check of small centres",
        "id": "jumlah data semua puskesmas yang dipakai sama: puskesmas kecil tidak dapat diperiksa tersendiri",
    },
    NOT_COMPARED: {
        "en": "fewer than two centres have a coefficient of their own and 10 records or more: there is no Q and no I²",
        "id": "kurang dari dua puskesmas yang memiliki koefisien sendiri dan 10 data atau lebih: tidak ada Q dan I²",
    },
    NO_VARIANCE_OF_Q: {
        "en": "no centre's coefficient changes when one of its records is left out (as in perfect tables): "
        "there is no Q and no I²",
        "id": "koefisien tidak berubah di puskesmas mana pun bila satu datanya dikeluarkan "
        "(seperti pada tabel sempurna): tidak ada Q dan I²",
    },
    TOO_MANY: {
        "en": "more than 999,999,999 records: arrangements are not sampled, so there is no p_exact",
        "id": "lebih dari 999.999.999 data: susunan tidak diambil sebagai sampel, sehingga tidak ada p_exact",
    },
    SAME_COVARIATE: {
        "en": "all are alike in the variable held equal",
        "id": "semua responden sama pada variabel kendali",
    },
    COVARIATE_IS_EXPOSURE: {
        "en": "exposure and the variable held equal order all records alike: one cannot vary without the other",
        "id": "paparan dan variabel kendali mengurutkan semua data sama: yang satu tak berubah tanpa yang lain",
    },
    COVARIATE_IS_OUTCOME: {
        "en": "outcome and the variable held equal order all records alike: one cannot vary without the other",
        "id": "hasil dan variabel kendali mengurutkan semua data sama: yang satu tak berubah tanpa yang lain",
    },
    NO_STRATUM: {
        "en": "exposure and outcome do not both differ among records that are alike in the variable held equal",
        "id": "di antara data dengan variabel kendali yang sama, paparan dan hasil tidak berbeda kedua-duanya",
    },
}
"""Words for each reason code, by language."""


def reason_codes(pairs: PairCounts) -> NDArray[np.object_]:
    """Return why each table has no tau_b: a key of `REASONS`, or None where it has one."""
    same_rows, same_columns = pairs.untied_rows == 0, pairs.untied_columns == 0
    codes = np.full(pairs.n.shape, None, dtype=object)
    codes[same_columns] = SAME_OUTCOME
    codes[same_rows] = SAME_EXPOSURE
    codes[same_rows & same_columns] = SAME_BOTH
    codes[pairs.n == 1] = ONE_RECORD
    codes[pairs.n == 0] = NO_RECORDS
    return codes


def in_words(codes: NDArray[np.object_], language: str = "en") -> NDArray[np.object_]:
    """Return the words for reason codes, in ``en`` or ``id``; None stays None."""
    words = np.full(codes.shape, None, dtype=object)
    for index in np.flatnonzero(codes):
        words[index] = REASONS[codes[index]][language]
    return words
