"""What a finding says where the form has no words of its own for it."""

from __future__ import annotations

from laktasi.questionnaire.model import Texts, ValueType

REQUIRED: Texts = {"id": "Pertanyaan wajib ini belum dijawab.", "en": "This required question has no answer."}
RELEVANT: Texts = {
    "id": "Ada jawaban, padahal pertanyaan ini tidak berlaku untuk jawaban lainnya.",
    "en": "There is an answer although the other answers make this question not apply.",
}
CONSTRAINT: Texts = {
    "id": "Jawaban tidak memenuhi batas yang ditetapkan kuesioner.",
    "en": "The answer is outside what the questionnaire allows.",
}
CHOICE: Texts = {
    "id": "Jawaban tidak ada di antara pilihan yang ditawarkan.",
    "en": "The answer is not among the choices offered.",
}
CALCULATION: Texts = {
    "id": "Nilai hitungan berbeda dari hasil hitung ulang atas jawaban.",
    "en": "The computed value differs from what the answers give when computed again.",
}
_TYPE: dict[ValueType, Texts] = {
    ValueType.INTEGER: {"id": "Jawaban bukan bilangan bulat.", "en": "The answer is not a whole number."},
    ValueType.DECIMAL: {"id": "Jawaban bukan bilangan.", "en": "The answer is not a number."},
    ValueType.BOOLEAN: {"id": "Jawaban bukan ya atau tidak.", "en": "The answer is neither true nor false."},
    ValueType.DATE: {"id": "Jawaban bukan tanggal.", "en": "The answer is not a date."},
    ValueType.TIME: {"id": "Jawaban bukan jam.", "en": "The answer is not a time of day."},
    ValueType.DATETIME: {"id": "Jawaban bukan tanggal dan jam.", "en": "The answer is not a date and time."},
}
_POSITION: Texts = {"id": "Jawaban bukan posisi pada peta.", "en": "The answer is not a position on the map."}


def of_type(kind: ValueType) -> Texts:
    """Say that an answer is not what its type says."""
    return _TYPE.get(kind, _POSITION)


def in_own_words(own: Texts, general: Texts) -> Texts:
    """Put the form's own message over the general one, language by language."""
    return {**general, **own}
