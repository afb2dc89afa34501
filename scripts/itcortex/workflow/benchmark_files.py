"""What the rules that collect benchmarks need to know of all others."""

from dataclasses import dataclass
from typing import Any

from itcortex.tables import benchmarks
from itcortex.workflow.data_files import WILDCARDS, DataFiles
from itcortex.workflow.experiment import Wildcards


@dataclass(frozen=True, eq=False)
class BenchmarkFiles:
    """Patterns of benchmark files, and which of them are of this experiment.

    `workflow` is Snakemake's, which knows all rules once they are read.
    """

    workflow: Any
    data: DataFiles

    def patterns(self, wildcards: Wildcards) -> dict[str, str]:
        """Path of the benchmark files of every rule, by its name."""
        return {rule.name: str(rule.benchmark) for rule in self.workflow.rules if rule.benchmark}

    def state(self, wildcards: Wildcards) -> str:
        """What changes with every new benchmark."""
        return benchmarks.state(self.patterns(wildcards), wildcards.experiment)

    @property
    def models(self) -> list[str]:
        """Networks of the experiment, as "model weights"."""
        return [" ".join(key) for key in self.data.ex.models.index]

    @property
    def names(self) -> dict[str, list[str]]:
        """Names, by wildcard, that the experiment uses of what experiments share."""
        return {WILDCARDS[kind]: list(some) for kind, some in self.data.behind_tables.items()}
