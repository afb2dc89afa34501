"""What exists when: every table and figure of an experiment, and what it needs."""

from typing import NamedTuple


class Product(NamedTuple):
    """A table or figure.

    `needs` names the property of an `Experiment` that must not be empty; none: it is always there.
    A `readable` table is short enough to be read, and so written as CSV too.
    """

    name: str
    needs: str = ""
    readable: bool = False


TABLES = (
    Product("scores"),
    Product("summary", readable=True),
    Product("models", readable=True),
    Product("alignment"),
    Product("ceilings"),
    Product("orientation"),
    Product("tradeoff", readable=True),
    Product("rsa", needs="rdms", readable=True),
    Product("rsa_ceilings", needs="rdms"),
    Product("attention", needs="attention", readable=True),
    Product("shortcut", needs="studied", readable=True),
)
#: Learning curves come beside these, one figure a trained model.
FIGURES = (
    Product("tradeoff"),
    Product("layers"),
    Product("maps"),
    Product("timecourse"),
    Product("rsa", needs="rdms"),
    Product("attention", needs="attention"),
    Product("shortcut", needs="studied"),
)
