"""Numbers as figures and the report write them."""

import numpy as np


def number(value: float, digits: int = 2) -> str:
    """A number as text, with a true minus sign; an en dash for one that is missing."""
    if value is None or not np.isfinite(value):
        return "\N{EN DASH}"
    text = f"{value:.{digits}f}"
    is_zero = float(text) == 0
    return (text.lstrip("-") if is_zero else text).replace("-", "\N{MINUS SIGN}")
