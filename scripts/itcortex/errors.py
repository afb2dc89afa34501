"""Errors that a user can mend: each names the file or key, the offending value and the remedy."""

from difflib import get_close_matches


class UserError(ValueError):
    """Input, data or configuration that a user can put right; printed without a traceback."""


def nearest(value: str, valid: list[str], count: int = 3) -> str:
    """End of an error message that offers the valid names nearest to `value`."""
    lowered = {name.lower(): name for name in valid}
    close = [lowered[n] for n in get_close_matches(str(value).lower(), lowered, count, 0.5)]
    if close:
        return f"did you mean {' or '.join(repr(name) for name in close)}?"
    shown = ", ".join(repr(name) for name in list(valid)[:10])
    more = f" and {len(valid) - 10} more" if len(valid) > 10 else ""
    return f"valid names: {shown}{more}"


def choose(name: str, valid, where: str) -> None:
    """Raise `UserError` if `name` is not among `valid`, offering the nearest names."""
    if name not in valid:
        raise UserError(f"{where}: {name!r} does not exist; {nearest(name, sorted(valid))}")


def said_as_text(value) -> str:
    """End of a message on a number that YAML reads as text, such as 1e-3; nothing for other values."""
    try:
        number = repr(float(value)) if isinstance(value, str) else ""
    except ValueError:
        return ""
    if "." not in number:  # YAML wants a point in a number with an exponent
        number = number.replace("e", ".0e")
    return f"; in YAML this is text: write {number}" if "." in number else ""
