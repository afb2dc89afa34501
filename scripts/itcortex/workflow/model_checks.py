"""What the rule that checks the model table is handed: every row, and what is done with it."""

from dataclasses import asdict, dataclass
from pathlib import Path

from itcortex.downloads.fetch import in_mirror
from itcortex.workflow import paths
from itcortex.workflow.experiment import Experiment, Wildcards
from itcortex.workflow.requests import images_in


@dataclass(frozen=True, eq=False)
class ModelChecks:
    """Rows of the experiment's model table to be checked; looked at only where that is asked for."""

    ex: Experiment

    def rows(self, wildcards: Wildcards) -> list[dict]:
        """Rows that describe a network, with where its weights are put and where a dataset's lie."""
        return [
            row
            | {
                "fetched": paths.WEIGHTS.format(model=row["model"], weights=row["weights"]),
                "data_file": self._data_file(row["source"]),
            }
            for row in self.ex.models.to_dict("records")
        ]

    def refused(self, wildcards: Wildcards) -> list[dict]:
        """Rows that describe none, and why."""
        return [asdict(row) for row in self.ex.refused]

    def plan(self, wildcards: Wildcards) -> dict:
        """What the experiment does with every network: `model_check.Plan` as JSON values."""
        settings, registry = self.ex.settings, self.ex.registry
        kept, recordings = settings["activations"], self.ex.recordings
        shown = {name: registry["recordings"][name]["stimuli"] for name in recordings}
        stimuli = {*shown.values(), *(registry["rdms"][name]["stimuli"] for name in self.ex.rdms)}
        return {
            "layers": kept["layers"],
            "side": _largest(kept["side"], stimuli),
            "value_bytes": {"float32": 4, "float16": 2}[kept["dtype"]],
            "batch_size": self.ex.batch_size,
            "on_gpu": self.ex.on_gpu,
            "images": {name: _images(name) for name in sorted(stimuli)},
            "recordings": shown,
            "labelled": settings["accuracy"]["images"],
        }

    def tables(self, wildcards: Wildcards) -> str:
        """Folder of the experiment's tables."""
        return str(Path(paths.TABLE.format(experiment=self.ex.name, table="checked_models")).parent)

    def _data_file(self, source: str) -> str | None:
        """The file of a `data:` source if it was fetched, or lies in a mirror folder."""
        kind, _, name = source.partition(":")
        if kind != "data":
            return None
        dataset, _, file = name.partition("/")
        places = [Path(paths.DATA.format(dataset=dataset, file=file)), in_mirror(name)]
        here = [place for place in places if isinstance(place, Path) and place.is_file()]
        return str(here[0]) if here else None


def _images(stimuli: str) -> int | None:
    """Number of images of prepared stimuli; None before they are made."""
    path = paths.STIMULI.format(stimuli=stimuli)
    return images_in(path) if Path(path).is_file() else None


def _largest(side: int | dict[str, int | None] | None, stimuli: set[str]) -> int | None:
    """The largest side of maps that are kept of some of these stimuli; None where maps stay whole."""
    if not isinstance(side, dict):
        return side
    sides = [side.get(name, side["default"]) for name in sorted(stimuli)] or [side["default"]]
    return None if None in sides else max(sides)
