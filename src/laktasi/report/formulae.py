"""The formulae of the method page, as MathML that a browser sets and a screen reader reads, without any library."""

from __future__ import annotations

from collections.abc import Mapping


def _i(name: str) -> str:
    return f"<mi>{name}</mi>"


def _n(value: str) -> str:
    return f"<mn>{value}</mn>"


def _o(sign: str) -> str:
    return f"<mo>{sign}</mo>"


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _over(above: str, below: str) -> str:
    return f"<mfrac>{_row(above)}{_row(below)}</mfrac>"


def _root(inside: str) -> str:
    return f"<msqrt>{inside}</msqrt>"


def _sub(base: str, index: str) -> str:
    return f"<msub>{base}{_row(index)}</msub>"


def _up(base: str, power: str) -> str:
    return f"<msup>{base}{_row(power)}</msup>"


def _both(base: str, index: str, power: str) -> str:
    return f"<msubsup>{base}{_row(index)}{_row(power)}</msubsup>"


def _in(*parts: str) -> str:
    return _row(_o("("), *parts, _o(")"))


def _size(*parts: str) -> str:
    return _row(_o("|"), *parts, _o("|"))


_EQ, _MINUS, _PLUS, _TIMES = _o("="), _o("−"), _o("+"), _o("·")
_SUM = '<mo movablelimits="false">∑</mo>'
_TAU, _S = _i("τ"), _i("S")
_TAU_B = _sub(_TAU, _i("b"))
_DX, _DY = _sub(_i("D"), _i("x")), _sub(_i("D"), _i("y"))
_VAR0 = _sub(_i("Var"), _n("0"))
_N1 = _row(_i("n"), _in(_i("n"), _MINUS, _n("1")))


def _at(base: str) -> str:
    return _sub(base, _i("i"))


def _ties(letter: str, *more: str) -> str:
    return _row(_SUM, _i(letter), _in(_i(letter), _MINUS, _n("1")), *more)


def _full(letter: str) -> str:
    return _in(_n("2"), _i(letter), _PLUS, _n("5"))


def _third(letter: str) -> str:
    return _in(_i(letter), _MINUS, _n("2"))


_W = _at(_i("w"))
_MEAN = _i("μ")
_RHO = {pair: _sub(_TAU, "".join(map(_i, pair))) for pair in ("xy", "xz", "yz")}

FORMULAE: Mapping[str, tuple[str, ...]] = {
    "tau_b": (_row(_TAU_B, _EQ, _over(_S, _root(_row(_DX, _DY))), _o(","), _S, _EQ, _i("C"), _MINUS, _i("D")),),
    "interval": (
        _row(
            _up(_in(_TAU_B, _MINUS, _i("t")), _n("2")),
            _EQ,
            _up(_n("1.96"), _n("2")),
            _i("κ"),
            _in(_n("1"), _MINUS, _up(_i("t"), _n("2"))),
        ),
    ),
    "p": (
        _row(_i("z"), _EQ, _over(_S, _root(_VAR0))),
        _row(
            _VAR0,
            _EQ,
            _over(_i("A"), _n("18")),
            _PLUS,
            _over(_i("B"), _row(_n("9"), _N1, _third("n"))),
            _PLUS,
            _over(_i("C"), _row(_n("2"), _N1)),
        ),
        _row(_i("A"), _EQ, _N1, _full("n"), _MINUS, _sub(_i("A"), _i("t")), _MINUS, _sub(_i("A"), _i("u"))),
        _row(_sub(_i("A"), _i("t")), _EQ, _ties("t", _full("t"))),
        _row(_i("B"), _EQ, _ties("t", _third("t")), _TIMES, _ties("u", _third("u"))),
        _row(_i("C"), _EQ, _ties("t"), _TIMES, _ties("u")),
        _row(_i("T"), _EQ, _over(_TAU_B, _sub(_i("ASE"), _n("0")))),
    ),
    "exact": (_row(_i("p"), _EQ, _i("P"), _in(_size(_S), _o("≥"), _size(_i("s")))),),
    "holm": (
        _row(
            _both(_i("p"), _in(_i("j")), _i("Holm")),
            _EQ,
            _sub(_o("max"), _row(_i("l"), _o("≤"), _i("j"))),
            _o("min"),
            _in(_n("1"), _o(","), _in(_i("k"), _MINUS, _i("l"), _PLUS, _n("1")), _sub(_i("p"), _in(_i("l")))),
        ),
    ),
    "stratified": (_row(_TAU, _EQ, _over(_row(_SUM, _at(_S)), _root(_row(_SUM, _at(_DX), _TIMES, _SUM, _at(_DY))))),),
    "mean": (
        _row(
            _MEAN,
            _EQ,
            _over(_row(_SUM, _W, _at(_TAU)), _row(_SUM, _W)),
            _o(","),
            _W,
            _EQ,
            _over(_n("1"), _row(_up(_i("τ"), _n("2")), _PLUS, _i("c"), _o("/"), _at(_i("n")))),
        ),
        _row(_SUM, _W, _up(_in(_at(_TAU), _MINUS, _MEAN), _n("2")), _EQ, _i("k"), _MINUS, _n("1")),
        _row(_MEAN, _o("±"), _sub(_i("t"), _row(_i("k"), _MINUS, _n("1"))), _TIMES, _i("SE")),
    ),
    "prediction": (
        _row(
            _MEAN,
            _o("±"),
            _sub(_i("t"), _row(_i("k"), _MINUS, _n("2"))),
            _root(_row(_up(_i("τ"), _n("2")), _PLUS, _up(_i("SE"), _n("2")))),
        ),
    ),
    "heterogeneity": (
        _row(
            _i("Q"),
            _EQ,
            _SUM,
            _over(_at(_i("n")), _i("c")),
            _up(_in(_at(_TAU), _MINUS, "<mover><mi>τ</mi><mo>¯</mo></mover>"), _n("2")),
        ),
        _row(
            _up(_i("I"), _n("2")),
            _EQ,
            _o("max"),
            _in(_n("0"), _o(","), _over(_row(_i("Q"), _MINUS, _in(_i("k"), _MINUS, _n("1"))), _i("Q"))),
        ),
    ),
    "adjusted": (
        _row(
            _sub(_TAU, _row(_i("xy"), _TIMES, _i("z"))),
            _EQ,
            _over(
                _row(_RHO["xy"], _MINUS, _RHO["xz"], _RHO["yz"]),
                _root(
                    _row(
                        _in(_n("1"), _MINUS, _both(_TAU, _i("xz"), _n("2"))),
                        _in(_n("1"), _MINUS, _both(_TAU, _i("yz"), _n("2"))),
                    )
                ),
            ),
        ),
    ),
    "paired": (
        _row(
            _i("Δ"),
            _EQ,
            _sub(_o("median"), _row(_i("i"), _o("≤"), _i("j"))),
            _over(_row(_at(_i("d")), _PLUS, _sub(_i("d"), _i("j"))), _n("2")),
        ),
    ),
    "measures": (
        _row(
            _sub(_TAU, _i("c")),
            _EQ,
            _over(_row(_n("2"), _i("m"), _S), _row(_up(_i("n"), _n("2")), _in(_i("m"), _MINUS, _n("1")))),
        ),
        _row(_i("γ"), _EQ, _over(_row(_i("C"), _MINUS, _i("D")), _row(_i("C"), _PLUS, _i("D")))),
        _row(_sub(_i("d"), _i("yx")), _EQ, _over(_S, _DX), _o(","), _sub(_i("d"), _i("xy")), _EQ, _over(_S, _DY)),
    ),
}
"""By the key of their section in texts_methods: what stands inside ``<math>``, one after the other."""
