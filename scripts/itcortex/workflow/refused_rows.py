"""Rows of the model table that cannot be used, put aside for whoever asks for them."""

from dataclasses import dataclass

from itcortex.errors import UserError


@dataclass(frozen=True)
class RefusedRow:
    """A row of a model table that cannot be used, and why."""

    where: str
    model: str
    weights: str
    reason: str

    @classmethod
    def of(cls, row: dict, error: UserError, where: str = "") -> "RefusedRow":
        """A row, and the error that it raised."""
        place = where or row["where"]
        return cls(place, row.get("model", ""), row.get("weights", ""), str(error))
