"""Sets of photographs with maps of human attention."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from itcortex.workflow import paths
from itcortex.workflow.experiment import Experiment, Wildcards


@dataclass(frozen=True, eq=False)
class AttentionSets:
    """Files and facts of the sets that an experiment uses; the first one is drawn."""

    ex: Experiment

    def photographs(self, wildcards: Wildcards) -> list[str]:
        """Prepared photographs of a job's set."""
        return self.photographs_of(wildcards.attention)

    def photographs_of(self, name: str) -> list[str]:
        """Prepared photographs of a set: one file a shard of ClickMe, one file of others."""
        return paths.photographs(name, self.ex.registry["attention"][name])

    @property
    def all_photographs(self) -> list[str]:
        """Prepared photographs of every set."""
        return [path for name in self.ex.attention for path in self.photographs_of(name)]

    def format(self, wildcards: Wildcards) -> str:
        """Reader of a job's set."""
        return self.ex.registry["attention"][wildcards.attention]["format"]

    @property
    def whole(self) -> list[str]:
        """Names of the sets that are no part of another."""
        return [
            name for name, one in self.ex.registry["attention"].items() if "held_out" not in one
        ]

    @property
    def parts(self) -> list[str]:
        """Names of the sets that are held out of another."""
        return [name for name, one in self.ex.registry["attention"].items() if "held_out" in one]

    def whole_photographs(self, wildcards: Wildcards) -> str:
        """Prepared photographs of the set that a job's set is held out of."""
        return paths.PHOTOGRAPHS.format(attention=self.held_out("of")(wildcards))

    def whole_ceilings(self, wildcards: Wildcards) -> str:
        """Ceilings of that set."""
        return paths.VIEWER_CEILINGS.format(attention=self.held_out("of")(wildcards))

    def held_out(self, key: str) -> Callable[[Wildcards], Any]:
        """A function of wildcards: what a job's set says of how it is held out."""
        return lambda wildcards: self.ex.registry["attention"][wildcards.attention]["held_out"][key]

    def leave_out(self, wildcards: Wildcards) -> list[str]:
        """Photographs that are no part of a job's set."""
        return self.ex.registry["attention"][wildcards.attention]["leave_out"]

    def viewing_files(self, wildcards: Wildcards) -> dict[str, str]:
        """Photographs, fixations and mouse positions of a set, in the registry's order."""
        entry = self.ex.registry["attention"][wildcards.attention]
        files = [paths.DATA.format(dataset=entry["dataset"], file=file) for file in entry["files"]]
        return dict(zip(("stimuli", "fixations", "mouse"), files, strict=True))

    @property
    def measured_ceilings(self) -> list[str]:
        """Files with the ceilings of the sets whose viewers are known one by one."""
        sets = {name: self.ex.registry["attention"][name] for name in self.ex.attention}
        return [
            paths.VIEWER_CEILINGS.format(attention=name)
            for name, entry in sets.items()
            if entry["format"] != "clickme"
        ]

    @property
    def ceilings_used(self) -> dict[str, str]:
        """Name of the ceiling that scores are divided by, by set."""
        return {name: self.ex.registry["attention"][name]["ceiling"] for name in self.ex.attention}

    @property
    def published_ceilings(self) -> dict[str, dict[str, float]]:
        """Published ceilings by their name, by set."""
        return {
            name: self.ex.registry["attention"][name]["published"] for name in self.ex.attention
        }

    @property
    def shown_photographs(self) -> list[str]:
        """The first file of every set: models keep their saliency on some of its photographs."""
        return [self.photographs_of(name)[0] for name in self.ex.attention]

    @property
    def shown_sets(self) -> list[list[str]]:
        """Name and reader of every set."""
        return [[name, self.ex.registry["attention"][name]["format"]] for name in self.ex.attention]

    def first_photographs(self, wildcards: Wildcards) -> str:
        """Photographs of the set that is drawn: the first file of the first set."""
        return self.photographs_of(self.ex.attention[0])[0]

    def first_format(self, wildcards: Wildcards) -> str:
        """Reader of the set that is drawn."""
        return self.ex.registry["attention"][self.ex.attention[0]]["format"]

    def examples_by_condition(self, wildcards: Wildcards) -> list[str]:
        """Saliency on that set of the networks of `Experiment.one_by_condition`."""
        keys = self.ex.one_by_condition.values()
        return self.ex.per_model(paths.ATTENTION_EXAMPLES, keys, attention=self.ex.attention[:1])

    def scores_by_condition(self, wildcards: Wildcards) -> list[str]:
        """Agreement of the same networks with people, on all photographs of the set."""
        keys = self.ex.one_by_condition.values()
        return self.ex.per_model(paths.ATTENTION, keys, attention=self.ex.attention[:1])

    def first_examples(self, wildcards: Wildcards) -> list[str]:
        """Saliency of the shown models on the set that is drawn."""
        return self.ex.per_model(
            paths.ATTENTION_EXAMPLES, self.ex.shown.index, attention=self.ex.attention[:1]
        )
