"""The rows of an experiment's model table: what happens to them, and what a job's row says."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from itcortex.networks.network import Network
from itcortex.tables import condition_contrasts
from itcortex.training.recipe import recipe_of
from itcortex.workflow import paths, trainings

Wildcards = Any  # Snakemake's: every wildcard is an attribute, a string
Key = tuple[str, str]  # (model, weights) of one row of the model table
#: Of a network, told in the table of models and, by it, in all others.
TOLD = ["model", "weights", "architecture", "source", "category", "family", "top1", "baseline",
        "training", "series", "condition", "strength", "seed", "params_m", "input_size",
        "pretraining", "year"]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class ModelRows:
    """The model table by what is done with its rows; `Experiment` says what the attributes are."""

    settings: dict
    registry: dict
    models: pd.DataFrame
    missing: dict[Key, str]

    @cached_property
    def fetched(self) -> pd.DataFrame:
        """Rows of the model table whose weights are published or drawn."""
        return self.models[self.models["training"] == ""]

    @cached_property
    def trained(self) -> pd.DataFrame:
        """Rows whose weights this workflow trains."""
        is_trained = self.models["training"] != ""
        return self.models[is_trained & ~self.models.index.isin([*self.missing])]

    @cached_property
    def studied(self) -> pd.DataFrame:
        """Trained rows of the digits study, which stands apart: they have never seen ImageNet."""
        on_digits = [name for name, one in self.settings["training"].items() if "digits" in one]
        return self.trained[self.trained["training"].isin(on_digits)]

    def digits_of(self, key: Key) -> str:
        """Name of the simulated digits that a network of the study is trained on."""
        return self.training_of(key)["digits"]

    @cached_property
    def digits_in_use(self) -> list[str]:
        """Names of the simulated digits that networks are trained on."""
        return sorted({self.digits_of(key) for key in self.studied.index})

    @cached_property
    def studied_recordings(self) -> list[str]:
        """Names of their simulated arrays; digits that share an array name it again."""
        digits = self.settings["digits"]
        return sorted(digits[name]["recording"] for name in self.digits_in_use)

    @cached_property
    def scored(self) -> pd.DataFrame:
        """Rows that are compared with recordings, RDMs and people."""
        apart = [*self.missing, *self.studied.index]
        return self.models[~self.models.index.isin(apart)]

    @cached_property
    def pairs(self) -> list[tuple[Key, Key]]:
        """Networks whose unique variance is estimated: those with a scored baseline, and named pairs."""
        scored = {" ".join(key): key for key in self.scored.index}
        based = zip(scored, self.scored["baseline"].fillna(""), strict=True)
        named = [pair for pair in based if pair[1]] + self.settings["statistics"]["pairs"]
        known = dict.fromkeys(map(tuple, named))
        return [(scored[a], scored[b]) for a, b in known if a in scored and b in scored]

    @cached_property
    def conditioned(self) -> pd.DataFrame:
        """Rows that are compared by the maps they were trained with, beside their baselines."""
        rows = self.scored[self.scored["condition"] != ""]
        return rows if len(condition_contrasts.contrasts(rows)) else rows[:0]

    @cached_property
    def compared_conditions(self) -> pd.DataFrame:
        """The same rows, if there is something to compare them with: recordings, RDMs or people."""
        settings = self.settings
        measures = [settings["recordings"], settings["rdms"], settings["attention"]["sets"]]
        return self.conditioned if any(measures) else self.conditioned[:0]

    @cached_property
    def conditioned_names(self) -> list[str]:
        """These as "model weights"."""
        return [" ".join(key) for key in self.conditioned.index]

    @cached_property
    def own_teachers(self) -> list[Key]:
        """Those of them that learnt their own answers of before, as nobody labelled their images."""
        recipes = {key: recipe_of(key[0], self.training_of(key)) for key in self.conditioned.index}
        return [key for key, recipe in recipes.items() if recipe.get("labels") == "own"]

    @cached_property
    def one_by_condition(self) -> dict[str, Key]:
        """Networks of one model and seed by what they are called in a gallery of its saliency.

        The model is the first one; the seed is the first with its baseline. Without conditions, none.
        """
        found = condition_contrasts.contrasts(self.conditioned)
        with_strength_0 = [one for one in found if one.main and one.compared_with == "none"]
        pairs = [(one, pair) for one in with_strength_0 for pair in one.pairs]
        whole = [(one, pair) for one, pair in pairs if pair.other]
        if not whole:
            return {}
        scored = {" ".join(key): key for key in self.scored.index}
        first, (seed, _, baseline) = whole[0]
        start = (first.model, str(self.training_of(scored[baseline])["start"]))
        named = {"before": start} if start in self.scored.index else {}
        named["strength 0"] = scored[baseline]
        for one, pair in pairs:
            if (one.model, pair.seed) == (first.model, seed):
                named[condition_contrasts.LABELS[one.condition]] = scored[pair.first]
        return named

    @property
    def model_in_gallery(self) -> str:
        """The model of these; empty without any."""
        return next((model for model, _ in self.one_by_condition.values()), "")

    @cached_property
    def shown(self) -> pd.DataFrame:
        """Rows whose maps are drawn: of the settings, else the ends of accuracy and one untrained."""
        names = self.settings["figures"]["models"]
        if names is not None:
            return self.scored[self.scored["model"].isin(names)]
        untrained = self.scored["category"] == "untrained"
        accuracy = pd.to_numeric(self.scored[~untrained]["top1"], errors="coerce")
        ranked = accuracy.sort_values(kind="stable", na_position="first").index
        known = accuracy.notna().sum() or len(ranked)  # networks without an accuracy, if all are
        ends = [*ranked[-known:][:1], *ranked[-1:], *self.scored.index[untrained][:1]]
        return self.scored[self.scored.index.isin(ends)]

    @cached_property
    def shown_names(self) -> list[str]:
        """These as "model weights"."""
        return [" ".join(key) for key in self.shown.index]

    @cached_property
    def sources(self) -> dict[str, str]:
        """Where weights come from, by "model/weights"."""
        return {"/".join(key): source for key, source in self.models["source"].items()}

    @cached_property
    def all_models(self) -> list[dict]:
        """Every row of the model table, with what is missing and why, as records."""
        reasons = [self.missing.get(key, "") for key in self.models.index]
        return self.models[TOLD].assign(missing=reasons).to_dict("records")

    @property
    def left_out(self) -> list[str]:
        """What to tell of networks that are missing, a line a reason."""
        lines = []
        for reason in dict.fromkeys(self.missing.values()):
            names = [" ".join(key) for key, why in self.missing.items() if why == reason]
            lines.append(f"left out: {', '.join(names)}: {reason}")
        return lines

    @cached_property
    def _rows(self) -> dict[Key, dict]:
        return dict(zip(self.models.index, self.models.to_dict("records"), strict=True))

    def row_of(self, key: Key) -> dict:
        """The row of the model table for a model and weights."""
        return self._rows[key]

    def row(self, wildcards: Wildcards) -> dict:
        """The row of the model table for a job's model and weights."""
        return self._rows[wildcards.model, wildcards.weights]

    def cell(self, column: str) -> Callable[[Wildcards], Any]:
        """A function of a job's wildcards: the cell of its row in this column of the model table."""
        return lambda wildcards: self.row(wildcards)[column]

    def network_of(self, wildcards: Wildcards) -> dict:
        """The network of a job's model, as JSON values."""
        return Network.of_row(self.row(wildcards)).asdict()

    def named_layers(self, wildcards: Wildcards) -> list[str]:
        """Layers that the model table names; none means the layer rule."""
        return [name for name in self.row(wildcards)["layers"].split(";") if name]

    def weights_file(self, wildcards: Wildcards) -> str | list:
        """The file that a model's weights are read from, if it is the user's or a dataset's."""
        kind, _, rest = self.row(wildcards)["source"].partition(":")
        if kind == "data":
            dataset, _, file = rest.partition("/")
            return paths.DATA.format(dataset=dataset, file=file)
        return str(Path(rest).expanduser()) if kind == "file" else []

    def weights_addresses(self, wildcards: Wildcards) -> list[str]:
        """The hub's address, if a model's weights come from there and it may be asked."""
        import huggingface_hub  # noqa: PLC0415 (only for downloads)

        from_hub = self.row(wildcards)["source"].partition(":")[0] in ("timm", "hub")
        asked = from_hub and not huggingface_hub.is_offline_mode()
        return [huggingface_hub.constants.ENDPOINT] if asked else []

    def training_of(self, key: Key) -> dict:
        """Settings of the training of a row of the model table."""
        return self.settings["training"][self._rows[key]["training"]]

    @cached_property
    def training_images(self) -> list[str]:
        """Folders and files of images behind all trainings, ranges written out."""
        used = [self.settings["training"][name] for name in self.trained["training"].unique()]
        named = [path for one in used for kind in trainings.IMAGES for path in one[kind]]
        return trainings.paths_of(named)
