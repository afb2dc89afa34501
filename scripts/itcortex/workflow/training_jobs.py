"""Trainings: what goes in, where it lies, what they are told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itcortex.training.recipe import Recipe, recipe_of
from itcortex.workflow import paths, trainings
from itcortex.workflow.experiment import Experiment, Wildcards
from itcortex.workflow.model_rows import Key

#: Columns of the model table that the cost of a training depends on.
PLANNED = ["model", "weights", "training", "strength", "seed",
           "params_m", "step_cost", "activation_mb"]  # fmt: skip


@dataclass(frozen=True, eq=False)
class TrainingJobs:
    """Inputs and settings of the jobs that train a network."""

    ex: Experiment

    def settings(self, wildcards: Wildcards) -> dict:
        """Settings of a job's training."""
        return self.ex.training_of((wildcards.model, wildcards.weights))

    def setting(self, key: str) -> Callable[[Wildcards], Any]:
        """A function of wildcards: one of these settings."""
        return lambda wildcards: self.settings(wildcards)[key]

    def images(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """What a network learns from, is judged on, and starts from."""
        settings = self.settings(wildcards)
        images = {kind: trainings.paths_of(settings[kind]) for kind in trainings.IMAGES}
        return images | {"start": self._start(wildcards, settings["start"])}

    def judged(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """What a job's network was judged on in training, and the weights that it started from."""
        images = self.images(wildcards)
        return {kind: images[kind] for kind in ("validation", "start")}

    def _start(self, wildcards: Wildcards, named: str | None) -> list[str]:
        """The named weights of a job's model; where they are trained here, those of the same seed."""
        if not named:
            return []
        if (wildcards.model, named) not in self.ex.models.index:
            named = trainings.weights_name(named, 0, self.seed(wildcards))
        return [paths.WEIGHTS.format(model=wildcards.model, weights=named)]

    def seed(self, wildcards: Wildcards) -> int:
        """Seed of a job's training."""
        return int(self.ex.row(wildcards)["seed"])

    def recipe(self, wildcards: Wildcards) -> dict:
        """Hyper-parameters that are given for a job's model."""
        return recipe_of(wildcards.model, self.settings(wildcards))

    def histories(self, wildcards: Wildcards) -> list[str]:
        """What all trainings of a job's model noted."""
        return self.ex.per_model(paths.HISTORY, self._trained(wildcards))

    def notes(self, wildcards: Wildcards) -> list[str]:
        """What these trainings say about the weights that they kept, in the same order."""
        return [str(Path(path).with_suffix(".json")) for path in self.histories(wildcards)]

    def least_agreement(self, wildcards: Wildcards) -> float | None:
        """The agreement that all of them ask of an epoch; None where they differ."""
        trained = [self.ex.training_of(key) for key in self._trained(wildcards)]
        recipes = [Recipe.of(recipe_of(wildcards.model, one)) for one in trained]
        asked = {recipe.least_agreement for recipe in recipes if recipe.labels == "own"}
        return asked.pop() if len(asked) == 1 else None

    def conditions(self, wildcards: Wildcards) -> list[str]:
        """The conditions of these trainings, in the same order."""
        return [self.ex.row_of(key)["condition"] for key in self._trained(wildcards)]

    def _trained(self, wildcards: Wildcards) -> list[Key]:
        return [key for key in self.ex.trained.index if key[0] == wildcards.model]

    @property
    def planned(self) -> list[dict]:
        """Rows of the model table that are trained, with what their cost depends on, as records."""
        models = self.ex.models
        return models.loc[models["training"] != "", PLANNED].to_dict("records")
