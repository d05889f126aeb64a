"""Invented mothers: who is visited where and what she answers. Pure Python, the same for the same seed.

Only the counts of Mopuya come from the paper (Tables 1 to 6); everything else is drawn at random.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

from tests.engine.interview import Value

SEED = "laktasi-sample-1"
MOPUYA = "mopuya"
TOO_SMALL = "contoh_39"
ALL_MASSAGED = "contoh_38"
NO_ASSOCIATION = ("contoh_05", "contoh_12", "contoh_19", "contoh_26", "contoh_33")
SIGNS = (
    "breasts_full",
    "leaking",
    "let_down",
    "softer_after",
    "feeds_often",
    "swallowing",
    "settled",
    "wet_nappies",
    "yellow_stools",
    "weight_gain",
)
LEVELS = ("not_enough", "enough", "good")
REGIONS = ("neck_to_t12", "neck_shoulders", "upper_back", "lower_back")
FREQUENCIES = ("once", "two_three", "four_six", "daily")

# Tables 1, 2, 3 of the paper, and the only joint table of massage and production that gives its coefficient.
MOPUYA_AGES = ("under_20",) * 3 + ("from_20_to_35",) * 20 + ("over_35",) * 2
MOPUYA_PRIMIGRAVIDAE = 11
MOPUYA_EDUCATION = ("elementary",) * 2 + ("junior_high",) * 8 + ("senior_high",) * 12 + ("college",) * 3
MOPUYA_JOINT = {
    ("yes", "good"): 6,
    ("yes", "enough"): 8,
    ("no", "enough"): 4,
    ("no", "not_enough"): 7,
}


@dataclass(frozen=True, slots=True)
class Centre:
    """A health centre of the sample, and what holds there."""

    code: str
    number: int
    province: str
    district: str
    mothers: int
    """Mothers who consent to a first visit."""
    effect: float
    """Of a massage on the hidden strength of production; 0 where there is no association."""
    massaged: float
    """Share of mothers who had a massage."""


@dataclass(frozen=True, slots=True)
class Mother:
    """One mother of the sample. `answers` are those of her first visit, without place, day and code."""

    centre: Centre
    number: int
    answers: dict[str, Value]
    is_refusing: bool
    comes_again: bool

    @property
    def study_code(self) -> str:
        """Her study code: eight digits and their ISO 7064 MOD 97-10 check digits."""
        return study_code(self.centre.number * 1000 + self.number)


def study_code(serial: int) -> str:
    """Put check digits behind a serial number, so that the whole is 1 modulo 97."""
    return f"{serial:08d}{98 - serial * 100 % 97:02d}"


def read_centres(path: Path) -> tuple[Centre, ...]:
    """Read health_centres.csv and draw what holds at each centre."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(_centre(number, row) for number, row in enumerate(csv.DictReader(file), start=1))


def _centre(number: int, row: dict[str, str]) -> Centre:
    code = row["name"]
    random = Random(f"{SEED}/centre/{code}")
    mothers = {MOPUYA: 25, TOO_SMALL: 2}.get(code) or random.randint(10, 66)
    effect = 0.0 if code in NO_ASSOCIATION else random.uniform(0.4, 2.2)
    massaged = 1.0 if code == ALL_MASSAGED else random.uniform(0.35, 0.65)
    return Centre(code, number, row["province"], row["district"], mothers, effect, massaged)


def mothers_of(centre: Centre) -> Iterator[Mother]:
    """Give the mothers of a centre: those who consent, then those who refuse."""
    given = _mopuya() if centre.code == MOPUYA else [None] * centre.mothers
    for number, fixed in enumerate(given, start=1):
        random = Random(f"{SEED}/mother/{centre.code}/{number}")
        answers = _answers(centre, number, random, fixed)
        comes_again = centre.code != TOO_SMALL and random.random() < 0.12
        yield Mother(centre, number, answers, is_refusing=False, comes_again=comes_again)
    random = Random(f"{SEED}/refusals/{centre.code}")
    for number in range(len(given) + 1, len(given) + 1 + random.choice((0, 1, 1, 2, 3))):
        yield Mother(centre, number, {"consent/given": "no"}, is_refusing=True, comes_again=False)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What the paper fixes of a mother."""

    age_group: str
    is_primigravida: bool
    education: str
    performed: str
    production: str


def _mopuya() -> list[_Fixed | None]:
    random = Random(f"{SEED}/mopuya")
    ages = list(MOPUYA_AGES)
    random.shuffle(ages)
    education = list(MOPUYA_EDUCATION)
    random.shuffle(education)
    pairs = [pair for pair, count in MOPUYA_JOINT.items() for _ in range(count)]
    random.shuffle(pairs)
    # The youngest are in their first pregnancy; the paper gives no joint table, so any order would do.
    youngest_first = sorted(
        range(len(ages)), key=lambda item: (ages[item] != "under_20", ages[item] == "over_35", item)
    )
    first_pregnancy = set(youngest_first[:MOPUYA_PRIMIGRAVIDAE])
    return [_Fixed(ages[item], item in first_pregnancy, education[item], *pairs[item]) for item in range(len(ages))]


def _answers(centre: Centre, number: int, random: Random, fixed: _Fixed | None) -> dict[str, Value]:
    age = _age(random, fixed)
    gravida = _gravida(random, age, fixed)
    is_contraindicated = fixed is None and random.random() < 0.04
    performed = fixed.performed if fixed else _yes(random.random() < centre.massaged and not is_contraindicated)
    if centre.code == ALL_MASSAGED:
        performed, is_contraindicated = "yes", False
    frequency = random.choices(range(4), (3, 4, 2, 2))[0] if performed == "yes" else None
    signs = _signs_fixed(random, fixed.production) if fixed else _signs(random, centre, frequency)
    share = sum(sign == "yes" for sign in signs) / sum(sign != "not_yet" for sign in signs)
    education = fixed.education if fixed else random.choices(tuple(dict.fromkeys(MOPUYA_EDUCATION)), (3, 7, 10, 4))[0]
    answers: dict[str, Value] = {
        "consent/given": "yes",
        "visit/recruitment": random.choices(("all_eligible", "purposive", "referred", "own_wish"), (12, 3, 2, 1))[0],
        "mother/name": f"Ibu Contoh {centre.number:02d}{number:03d}",
        "mother/age": age,
        "mother/education": education,
        "obstetric/gravida": gravida,
        "obstetric/parity": max(1, gravida - (random.random() < 0.15)),
        "obstetric/delivery_mode": random.choices(("spontaneous", "assisted", "caesarean"), (14, 1, 5))[0],
        "obstetric/delivery_place": random.choice(("health_centre", "hospital", "midwife", "home")),
        "infant/sex": random.choice(("female", "male")),
        "infant/feeding": random.choices(("breast_only", "mixed", "no_breast"), (14, 5, 1))[0],
        "milk/observed": _observed(random, share),
        "hormone/measured": "no",
        "place/at_centre": _yes(random.random() < 0.7),
    }
    if random.random() < 0.6:
        answers["mother/phone"] = f"0800000{centre.number:02d}{number:03d}"
    if random.random() < 0.8:
        answers["infant/weight"] = round(random.gauss(3200, 400) / 10) * 10
    if fixed is None and answers["place/at_centre"] == "yes" and random.random() < 0.5:
        # In the sea where the equator meets the prime meridian: no health centre of anybody's.
        latitude, longitude = divmod(centre.number * 17 % 41, 7)
        answers["place/position"] = (latitude / 10, longitude / 10, 0.0, float(random.randint(3, 18)))
    if random.random() < 0.08:
        answers["closing/comment"] = random.choice(
            ("Bayi sedang tidur.", "Suami ikut hadir.", "Listrik padam sebentar.")
        )
    answers |= dict(zip((f"milk/signs/{sign}" for sign in SIGNS), signs, strict=True))
    answers |= _screening(random, is_contraindicated=is_contraindicated)
    answers |= _massage(random, performed, frequency, can_hurt=fixed is None)
    if performed == "yes" and centre.number % 9 == 4 and random.random() < 0.5:
        answers |= _hormone(random)
    return answers


def _age(random: Random, fixed: _Fixed | None) -> int:
    if fixed is None:
        return min(45, max(16, round(random.gauss(27, 6))))
    low, high = {"under_20": (17, 19), "from_20_to_35": (20, 35), "over_35": (36, 42)}[fixed.age_group]
    return random.randint(low, high)


def _gravida(random: Random, age: int, fixed: _Fixed | None) -> int:
    if fixed:
        return 1 if fixed.is_primigravida else random.randint(2, 4)
    return 1 if random.random() < max(0.1, 0.9 - (age - 17) / 20) else random.choices((2, 3, 4, 5), (6, 4, 2, 1))[0]


def _signs(random: Random, centre: Centre, frequency: int | None) -> list[str]:
    """Draw each sign from a hidden strength that a massage, and a frequent one more, raises by the centre's effect."""
    strength = random.gauss(-0.1, 1.1)
    if frequency is not None:
        strength += centre.effect * (0.6 + 0.25 * frequency)
    signs = []
    for position in range(len(SIGNS)):
        chance = 1 / (1 + math.exp(-(strength + 0.9 - 0.15 * position)))
        can_wait = position >= 7  # what an infant of a few days cannot show yet
        signs.append("not_yet" if can_wait and random.random() < 0.12 else _yes(random.random() < chance))
    return signs


def _signs_fixed(random: Random, production: str) -> list[str]:
    low, high = {"not_enough": (2, 5), "enough": (6, 7), "good": (8, 10)}[production]
    present = set(random.sample(range(len(SIGNS)), random.randint(low, high)))
    return [_yes(position in present) for position in range(len(SIGNS))]


def _observed(random: Random, share: float) -> str:
    level = 2 if share >= 0.76 else 1 if share >= 0.56 else 0
    if random.random() < 0.15:
        level += random.choice((-1, 1))
    return LEVELS[min(2, max(0, level))]


def _screening(random: Random, *, is_contraindicated: bool) -> dict[str, Value]:
    answers: dict[str, Value] = dict.fromkeys(
        ("screening/open_wound", "screening/blood_disorder", "screening/medication"), "no"
    )
    if is_contraindicated:
        answers[random.choice(tuple(answers))] = random.choice(("yes", "unknown"))
        answers["screening/stop_read"] = "OK"
    return answers


def _massage(random: Random, performed: str, frequency: int | None, *, can_hurt: bool) -> dict[str, Value]:
    answers: dict[str, Value] = {"massage/performed": performed, "massage/taught_today": _yes(random.random() < 0.3)}
    if frequency is None:
        return answers
    providers = ("midwife", "volunteer", "husband", "family", "traditional", "other")
    provider = random.choices(providers, (8, 4, 4, 2, 1, 1))[0]
    answers |= {
        "massage/provider": provider,
        "massage/frequency": FREQUENCIES[frequency],
        "massage/minutes": random.choice((3, 5, 5, 10, 10, 15, 15, 20)),
        "massage/region": random.choices(("neck_to_t12", "neck_shoulders", "upper_back", "lower_back"), (12, 3, 3, 1))[
            0
        ],
        "massage/pressure": random.choices(("gentle", "moderate", "strong"), (4, 6, 1))[0],
        "massage/harm": ["none"],
    }
    if provider == "other":
        answers["massage/provider_other"] = "Tetangga"
    if can_hurt and random.random() < 0.012:
        answers["massage/harm"] = random.choice((["pain"], ["pain", "bruise"], ["dizziness"]))
    return answers


def _hormone(random: Random) -> dict[str, Value]:
    before = round(random.uniform(5, 30), 1)
    return {
        "hormone/measured": "yes",
        "hormone/unit": "pg_ml",
        "hormone/before_value": before,
        "hormone/after_value": round(before + random.gauss(4, 3) + 3.5, 1),
        "hormone/laboratory": "Laboratorium Contoh",
    }


def birth_date(mother: Mother, visited: date) -> date:
    """Give the infant's date of birth, known from the day of the first visit."""
    return visited - timedelta(days=Random(f"{SEED}/birth/{mother.study_code}").randint(3, 40))


def follow_up_answers(mother: Mother) -> dict[str, Value]:
    """Change what has changed between a mother's two visits."""
    random = Random(f"{SEED}/follow_up/{mother.study_code}")
    answers = dict(mother.answers)
    for sign in SIGNS:
        if answers[f"milk/signs/{sign}"] != "yes" and random.random() < 0.3:
            answers[f"milk/signs/{sign}"] = "yes"
    share = sum(answers[f"milk/signs/{sign}"] == "yes" for sign in SIGNS) / len(SIGNS)
    answers["milk/observed"] = _observed(random, share)
    answers["infant/weight"] = round(random.gauss(4100, 450) / 10) * 10
    answers["hormone/measured"] = "no"
    answers["massage/harm"] = ["none"]
    return answers


def _yes(truth: bool) -> str:
    return "yes" if truth else "no"
