"""What jobs ask of a machine or a scheduler, by their wildcards: facts for `resources`."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from itcortex.training import cost
from itcortex.workflow import resources
from itcortex.workflow.experiment import Experiment, Wildcards


@dataclass(frozen=True, eq=False)
class Requests:
    """Cores, GPUs, memory (MB) and time (minutes) of the jobs whose size differs."""

    ex: Experiment

    # --- networks ---------------------------------------------------------------------------------

    def fetching_mem_mb(self, wildcards: Wildcards, attempt: int) -> int:
        """Memory to fetch weights."""
        return resources.fetching_mem_mb(self.ex.row(wildcards)["params_m"], attempt)

    def extraction_mem_mb(self, wildcards: Wildcards, attempt: int) -> int:
        """Memory to extract activations."""
        return self._network_mem_mb(wildcards, resources.EXTRACTION_MAPS_MB, attempt)

    def extraction_runtime(self, wildcards: Wildcards, input, attempt: int) -> int:
        """Time to extract activations, by the number of images."""
        seconds = self._seconds_an_image(wildcards)
        return resources.extraction_minutes(images_in(str(input.stimuli)), seconds, attempt)

    def accuracy_runtime(self, wildcards: Wildcards, attempt: int) -> int:
        """Time to measure top-1 accuracy, on as many images as ImageNet's validation set has."""
        seconds = self._seconds_an_image(wildcards)
        return resources.extraction_minutes(resources.VALIDATION_IMAGES, seconds, attempt)

    def saliency_mem_mb(self, wildcards: Wildcards, attempt: int) -> int:
        """Memory for saliency: gradients keep the maps of all layers."""
        return self._network_mem_mb(wildcards, resources.SALIENCY_MAPS_MB, attempt)

    def saliency_runtime(self, wildcards: Wildcards, attempt: int) -> int:
        """Time for the saliency of a set of photographs."""
        return resources.saliency_minutes(self._seconds_an_image(wildcards), attempt)

    def _network_mem_mb(self, wildcards: Wildcards, maps_mb: float, attempt: int) -> int:
        row, batch_size = self.ex.row(wildcards), self.ex.settings["activations"]["batch_size"]
        return resources.network_mem_mb(
            row["params_m"], row["input_size"], maps_mb, batch_size, attempt
        )

    def _seconds_an_image(self, wildcards: Wildcards) -> float:
        row = self.ex.row(wildcards)
        return resources.seconds_an_image(row["params_m"], row["input_size"], self.ex.on_gpu)

    # --- encoding models --------------------------------------------------------------------------

    def encoding_mem_mb(self, wildcards: Wildcards, input, attempt: int) -> int:
        """Memory to fit encoding models, by the size of the activations."""
        return resources.encoding_mem_mb(input.size_mb, attempt)

    def encoding_runtime(self, wildcards: Wildcards, input, attempt: int) -> int:
        """Time to fit encoding models, by the size of the activations."""
        return resources.encoding_minutes(input.size_mb, attempt)

    # --- trainings --------------------------------------------------------------------------------

    def training_threads(self, wildcards: Wildcards) -> int:
        """Cores of a training: one a process and one a worker."""
        settings = self._training(wildcards)
        return settings["processes"] * (1 + settings["workers"])

    def training_gpus(self, wildcards: Wildcards) -> int:
        """GPUs of a training: one a process."""
        return self._training(wildcards)["processes"] if self.ex.on_gpu else 0

    def training_runtime(self, wildcards: Wildcards, attempt: int) -> int:
        """Time of a training."""
        on_digits = "digits" in self._training(wildcards)
        return resources.training_minutes(self._training_cost(wildcards), on_digits, attempt)

    def training_mem_mb(self, wildcards: Wildcards, attempt: int) -> int:
        """Memory of a training on the host."""
        return resources.training_mem_mb(self._training_cost(wildcards), attempt)

    def training_tensorboard(self, wildcards: Wildcards) -> int:
        """1 if event files are written; a resource is a number."""
        return int(self._training(wildcards)["tensorboard"])

    def _training(self, wildcards: Wildcards) -> dict:
        return self.ex.training_of((wildcards.model, wildcards.weights))

    def _training_cost(self, wildcards: Wildcards) -> cost.Cost | None:
        """What a training is estimated to cost; None on a CPU, and where it is not known."""
        settings = self._training(wildcards)
        known = cost.Training.of_row(self.ex.row(wildcards), settings)
        if known is None or not self.ex.on_gpu:
            return None
        return cost.estimate(known, cost.gpu_named(settings["gpu_model"]))


@cache
def images_in(path: str) -> int:
    """Number of images of prepared stimuli.

    Before they are made it raises FileNotFoundError with their very name, by which Snakemake knows
    that the number is still to be determined.
    """
    from itcortex import store  # noqa: PLC0415 (every job's process imports this module)

    Path(path).stat()
    return store.count_images(path)
