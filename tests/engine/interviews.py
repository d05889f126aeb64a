"""Whole interviews with the postpartum visit, as the phone takes them: good ones, to be changed by a test."""

from __future__ import annotations

from tests.engine.interview import Value
from tests.engine.mothers import SIGNS, study_code

CODE = study_code(1)

FIRST: dict[str, Value] = {
    "consent/given": "yes",
    "visit/date": "2026-11-21",
    "visit/province": "sulawesi_utara",
    "visit/district": "bolaang_mongondow",
    "visit/centre": "mopuya",
    "visit/enumerator": "E01",
    "visit/round": "first",
    "visit/recruitment": "all_eligible",
    "mother/code_entry": "type",
    "mother/code_typed": CODE,
    "mother/code_scanned": CODE,
    "mother/name": "Ibu Contoh",
    "mother/phone": "080000000001",
    "mother/age": 27,
    "mother/education": "senior_high",
    "obstetric/gravida": 2,
    "obstetric/parity": 2,
    "obstetric/delivery_mode": "spontaneous",
    "infant/birth_date": "2026-11-10",
    "infant/sex": "female",
    "infant/weight": 3100,
    "infant/feeding": "breast_only",
    "screening/open_wound": "no",
    "screening/blood_disorder": "no",
    "screening/medication": "no",
    "massage/performed": "yes",
    "massage/provider": "midwife",
    "massage/frequency": "daily",
    "massage/minutes": 10,
    "massage/region": "neck_to_t12",
    "massage/pressure": "moderate",
    "massage/harm": ["none"],
    "massage/taught_today": "no",
    "milk/observed": "good",
    **{f"milk/signs/{sign}": "yes" for sign in SIGNS},
    "hormone/measured": "yes",
    "hormone/unit": "pg_ml",
    "hormone/before_value": 12.5,
    "hormone/before_at": "2026-11-21T08:10:00.000+08:00",
    "hormone/after_value": 14.0,
    "hormone/after_at": "2026-11-21T08:40:00.000+08:00",
    "hormone/laboratory": "Laboratorium Contoh",
    "place/at_centre": "yes",
    "place/position": (0.5, 0.0, 10.0, 5.0),
    "closing/comment": "Tidak ada",
}
OTHERS: dict[str, Value] = {
    **FIRST,
    "visit/recruitment": "other",
    "visit/recruitment_other": "Diumumkan di posyandu",
    "mother/code_entry": "scan",
    "screening/medication": "unknown",
    "screening/stop_read": "OK",
    "massage/provider": "other",
    "massage/provider_other": "Tetangga",
    "massage/harm": ["pain", "bruise"],
}
FOLLOW_UP: dict[str, Value] = {**FIRST, "visit/round": "follow_up"}
