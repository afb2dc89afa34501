"""What exists when: every table and figure of an experiment, and what it needs."""

from typing import NamedTuple


class Product(NamedTuple):
    """A table or figure.

    `needs` names the property of an `Experiment` that must not be empty.
    A `readable` table is short enough to be read, and so written as CSV too.
    """

    name: str
    needs: str
    readable: bool = False


TABLES = (
    Product("scores", needs="recordings"),
    Product("summary", needs="recordings", readable=True),
    Product("models", needs="recordings", readable=True),
    Product("alignment", needs="recordings"),
    Product("ceilings", needs="recordings"),
    Product("orientation", needs="recordings"),
    Product("tradeoff", needs="recordings", readable=True),
    Product("rsa", needs="rdms", readable=True),
    Product("rsa_ceilings", needs="rdms"),
    Product("attention", needs="attention", readable=True),
    Product("shortcut", needs="studied", readable=True),
    Product("published", needs="published", readable=True),
    Product("range_curve", needs="published", readable=True),
    Product("family_trends", needs="published", readable=True),
)
#: Learning curves come beside these, one figure a trained model.
FIGURES = (
    Product("tradeoff", needs="recordings"),
    Product("layers", needs="recordings"),
    Product("maps", needs="recordings"),
    Product("timecourse", needs="recordings"),
    Product("rsa", needs="rdms"),
    Product("attention", needs="attention"),
    Product("shortcut", needs="studied"),
    Product("range", needs="published"),
    Product("range_tables", needs="published"),
    Product("published", needs="published"),
    Product("published_alignment", needs="published"),
    Product("published_it", needs="published"),
)
