"""Numbers as figures and the report write them."""

import numpy as np

MOST_DIGITS = 6


def number(value: float, digits: int = 2) -> str:
    """A number as text, with a true minus sign; an en dash for one that is missing."""
    if value is None or not np.isfinite(value):
        return "\N{EN DASH}"
    text = f"{value:.{digits}f}"
    is_zero = float(text) == 0
    return (text.lstrip("-") if is_zero else text).replace("-", "\N{MINUS SIGN}")


def bounds(low: float, high: float, digits: int = 2) -> tuple[str, str]:
    """Both ends of an interval as text, with digits enough that no end loses its sign.

    An interval says whether it holds zero: [-.004, .117] is not [0.00, 0.12]. So digits are added
    until no end that is not zero looks like zero, at most six; an end that would need more is a power of
    ten, and adds no digits to the other.
    """
    ends = [end for end in (low, high) if np.isfinite(end) and not _is_zero(end, MOST_DIGITS)]
    while any(_is_zero(end, digits) for end in ends):
        digits += 1
    return _end(low, digits), _end(high, digits)


def _end(value: float, digits: int) -> str:
    if np.isfinite(value) and value != 0 and _is_zero(value, digits):
        return f"{value:.0e}".replace("-", "\N{MINUS SIGN}")
    return number(value, digits)


def _is_zero(value: float, digits: int) -> bool:
    return float(f"{value:.{digits}f}") == 0
