"""Worlds whose answer is known: simulated arrays that read a network, and the digits study."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from itcortex.networks.network import Network
from itcortex.workflow import paths
from itcortex.workflow.experiment import Experiment, Key, Wildcards

#: Test images of the digits study: the shortcut as in training, and showing another class.
TESTED = ("intact", "broken")


@dataclass(frozen=True, eq=False)
class Teacher:
    """The network that sites of simulated arrays read."""

    ex: Experiment

    @property
    def arrays(self) -> list[dict]:
        """Name and properties of every simulated array of the registry, in order."""
        registry = self.ex.registry
        return [
            {"name": name, "folder": registry["stimuli"][entry["stimuli"]]["folder"]}
            | entry["options"]
            | entry["simulation"]
            for name, entry in registry["recordings"].items()
            if entry.get("simulation")
        ]

    @property
    def planted(self) -> dict[str, dict]:
        """Teacher and layer that sites read, by recording of this experiment."""
        return {
            name: {"model": self._row["model"], "weights": self._row["weights"], "layer": layer}
            for name, layer in self._layers.items()
        }

    @property
    def network(self) -> dict:
        """The teacher, as JSON values; none where nothing is simulated."""
        return Network.of_row(self._row).asdict() if self._layers else {}

    def weights(self, wildcards: Wildcards) -> str:
        """Its weights."""
        return paths.WEIGHTS.format(model=self._row["model"], weights=self._row["weights"])

    @property
    def _layers(self) -> dict[str, str]:
        entries = {
            name: entry
            for name, entry in self.ex.registry["recordings"].items()
            if name in self.ex.recordings and entry.get("simulation")
        }
        return {name: entry["simulation"]["layer"] for name, entry in entries.items()}

    @property
    def _row(self) -> dict:
        simulation = self.ex.settings["simulation"]
        return self.ex.row_of((simulation["teacher"], simulation["teacher_weights"]))


@dataclass(frozen=True, eq=False)
class DigitsStudy:
    """Networks that are trained on digits with a shortcut, and the array that reads the digit only."""

    ex: Experiment

    def of_digits(self, key: str) -> Callable[[Wildcards], Any]:
        """A function of wildcards: what the settings of a job's digits say of `key`."""
        return lambda wildcards: self.ex.settings["digits"][wildcards.digits][key]

    def images(self, wildcards: Wildcards) -> dict[str, str]:
        """Test images of the study with the shortcut as in training, and with it broken."""
        digits = self.ex.digits_of((wildcards.model, wildcards.weights))
        return {name: paths.DATA.format(dataset=digits, file=f"{name}.parquet") for name in TESTED}

    @property
    def test_images(self) -> dict[str, list[str]]:
        """dataset/file of those images, by "model/weights" of every network of the study."""
        return {
            "/".join(key): [f"{self.ex.digits_of(key)}/{name}.parquet" for name in TESTED]
            for key in self.ex.studied.index
        }

    @property
    def all_images(self) -> list[str]:
        """Those images of all networks of the study."""
        return [
            paths.DATA.format(dataset=digits, file=f"{name}.parquet")
            for digits in self.ex.digits_in_use
            for name in TESTED
        ]

    def per_model(self, pattern: str) -> list[str]:
        """Paths for every network of the study, with the array that was shown its digits."""
        return [
            path
            for key in self.ex.studied.index
            for path in self.ex.per_model(pattern, [key], recording=[self.recording_of(key)])
        ]

    def recording_of(self, key: Key) -> str:
        """Name of the array that was shown the digits that a network is trained on."""
        return self.ex.settings["digits"][self.ex.digits_of(key)]["recording"]

    @property
    def models(self) -> list[str]:
        """Names of the models of the study."""
        return sorted(set(self.ex.studied["model"]))

    @property
    def base(self) -> str:
        """Name of the first model, which the others are set against; empty without any."""
        return next(iter(self.ex.studied["model"]), "")

    @property
    def networks(self) -> list[dict]:
        """What sets every network apart, by model and weights, as records."""
        return self.ex.studied[["model", "weights", "family", "series"]].to_dict("records")

    def examples(self, wildcards: Wildcards) -> list[str]:
        """Maps of a baseline and of the network of its model and seed with the strength nearest to 1."""
        studied = self.ex.studied
        first = studied[studied["model"] == self.base]
        first = first[first["seed"] == first["seed"].iloc[0]].sort_values("strength")
        default = (first["strength"] - 1).abs().idxmin()  # 1 is the published default
        return self.ex.per_model(paths.SHORTCUT_EXAMPLES, dict.fromkeys([first.index[0], default]))
