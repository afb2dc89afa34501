"""What jobs ask of a machine or a scheduler, by their wildcards: facts for `resources`."""

import math
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from itcortex.encoding.ridge_options import RidgeOptions
from itcortex.training import cost
from itcortex.workflow import resources
from itcortex.workflow.analysis import Analysis
from itcortex.workflow.experiment import Experiment, Wildcards


@dataclass(frozen=True, eq=False)
class Requests:
    """Cores, GPUs, memory (MB) and time (minutes) of the jobs whose size differs."""

    ex: Experiment

    @cached_property
    def analysis(self) -> Analysis:
        """How recordings are analysed."""
        return Analysis(self.ex)

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

    def concepts_runtime(self, wildcards: Wildcards, attempt: int) -> int:
        """Time to find concepts: passes for crops, and for the masks of some images."""
        one = self.ex.settings["concepts"]
        passes = one["crops"] + one["images"] * one["masks"] * (one["number"] + 2)
        return resources.extraction_minutes(passes, self._seconds_an_image(wildcards), attempt)

    def accuracy_runtime(self, wildcards: Wildcards, attempt: int) -> int:
        """Time to measure top-1 accuracy, on as many images as ImageNet's validation set has."""
        seconds = self._seconds_an_image(wildcards)
        return resources.extraction_minutes(resources.VALIDATION_IMAGES, seconds, attempt)

    def saliency_mem_mb(self, wildcards: Wildcards, attempt: int) -> int:
        """Memory for saliency: gradients keep the maps of all layers."""
        return self._network_mem_mb(wildcards, resources.SALIENCY_MAPS_MB, attempt)

    def saliency_runtime(self, wildcards: Wildcards, attempt: int) -> int:
        """Time for the saliency of a set of photographs."""
        covering = self.ex.settings["attention"]["covering"]
        return resources.saliency_minutes(self._seconds_an_image(wildcards), attempt, covering)

    def _network_mem_mb(self, wildcards: Wildcards, maps_mb: float, attempt: int) -> int:
        row = self.ex.row(wildcards)
        return resources.network_mem_mb(
            row["params_m"], row["input_size"], maps_mb, self.ex.batch_size, attempt
        )

    def _seconds_an_image(self, wildcards: Wildcards) -> float:
        row = self.ex.row(wildcards)
        return resources.seconds_an_image(row["params_m"], row["input_size"], self.ex.on_gpu)

    # --- encoding models --------------------------------------------------------------------------

    def encoding_mem_mb(self, wildcards: Wildcards, input, attempt: int) -> int:
        """Memory to fit encoding models, by the size of the activations and of what is fitted."""
        least = resources.encoding_mem_mb(input.size_mb, attempt)
        size = self._ridge_size(wildcards, input)
        return max(least, resources.ridge_mem_mb(size, attempt)) if size else least

    def encoding_runtime(self, wildcards: Wildcards, input, attempt: int) -> int:
        """Time to fit encoding models, by the size of the activations and of what is fitted."""
        least = resources.encoding_minutes(input.size_mb, attempt)
        size = self._ridge_size(wildcards, input)
        return max(least, resources.ridge_minutes(size, attempt)) if size else least

    def _ridge_size(self, wildcards: Wildcards, input) -> resources.RidgeSize | None:
        """Size of ridge regression that leaves out images; None where there is none."""
        if "ridge" not in self.analysis.mappings(wildcards):
            return None
        encoding = self.ex.settings["encoding"]
        options = RidgeOptions.of(encoding["ridge"])
        images, gy, gx, sites = shape_of_recording(str(input.recording))
        by_image = options.leaves_out_images(images, images * gy * gx * sites)
        if self.analysis.pca is None and not by_image:
            return None
        shuffles = 0 if hasattr(wildcards, "variant") else encoding["permutations"]
        features = self._features_of(input.activations, gy * gx > 1)
        return self._size(wildcards, input, features, shuffles)

    def _features_of(self, activations, on_grid: bool) -> tuple[int, ...]:
        """Features of a sample in every layer."""
        shapes = shapes_of_layers(str(activations))
        return tuple(_features(shape, on_grid, self.analysis.pool) for shape in shapes)

    def _size(self, wildcards: Wildcards, input, features, shuffles: int) -> resources.RidgeSize:
        """Size of ridge regression on `features` of a sample, as the settings and the files have it."""
        options = RidgeOptions.of(self.ex.settings["encoding"]["ridge"])
        images, gy, gx, sites = shape_of_recording(str(input.recording))
        kind = _kind(self.analysis.folds_of_job(wildcards))
        return resources.RidgeSize(
            images * gy * gx,
            features,
            sites,
            _splits(kind, images),
            options.number,
            shuffles,
            4 if options.precision == "float32" else 8,
        )

    def variance_mem_mb(self, wildcards: Wildcards, input, attempt: int) -> int:
        """Memory for what two networks explain together, by the features of both."""
        least = resources.encoding_mem_mb(input.size_mb, attempt)
        size = self._variance_size(wildcards, input)
        return max(least, resources.variance_mem_mb(size, attempt))

    def variance_runtime(self, wildcards: Wildcards, input, attempt: int) -> int:
        """Time for what two networks explain together."""
        least = resources.encoding_minutes(input.size_mb, attempt)
        size = self._variance_size(wildcards, input)
        return max(least, resources.variance_minutes(size, attempt))

    def _variance_size(self, wildcards: Wildcards, input) -> resources.RidgeSize:
        """Size of the joint fits of the largest layer of either network."""
        _, gy, gx, _ = shape_of_recording(str(input.recording))
        files = (input.activations, input.other_activations)
        largest = tuple(max(self._features_of(path, gy * gx > 1)) for path in files)
        return self._size(wildcards, input, largest, 0)

    def pairs_mem_mb(self, wildcards: Wildcards, input, attempt: int) -> int:
        """Memory to predict a recording from all others, by their sizes."""
        others = [math.prod(shape_of_recording(str(path))) for path in input.others]
        size = self._pair_sizes(wildcards, input)[-1]
        return resources.pairs_mem_mb(size, 8 * sum(others) / 1e6, attempt)

    def pairs_runtime(self, wildcards: Wildcards, input, attempt: int) -> int:
        """Time to predict a recording from every other one, and from all of them."""
        sizes, draws = self._pair_sizes(wildcards, input), self.ex.settings["ceiling"]["draws"]
        return resources.pairs_minutes(sizes, draws, attempt)

    def comparison_mem_mb(self, wildcards: Wildcards, input, attempt: int) -> int:
        """Memory to compare networks with other recordings, by the largest recording."""
        values = [math.prod(shape_of_recording(str(path))) for path in input.recorded]
        return resources.comparison_mem_mb(max(values), attempt)

    def comparison_runtime(self, wildcards: Wildcards, input, attempt: int) -> int:
        """Time to do so, by all recordings and predictions."""
        values = sum(math.prod(shape_of_recording(str(path))) for path in input.recorded)
        return resources.comparison_minutes(values, len(self.ex.scored), attempt)

    def _pair_sizes(self, wildcards: Wildcards, input) -> list[resources.RidgeSize]:
        """Size of the fit from each other recording, and at last from all of them."""
        encoding = self.ex.settings["encoding"]
        options = RidgeOptions.of(encoding["ridge"])
        images, gy, gx, sites = shape_of_recording(str(input.recording))
        sources = [math.prod(shape_of_recording(str(path))[1:]) for path in input.others]
        if gy * gx > 1:
            sources = [shape_of_recording(str(path))[-1] for path in input.others]
        kind = _kind(self.analysis.folds(wildcards))
        return [
            resources.RidgeSize(
                images * gy * gx, (max(features, 1),), sites, _splits(kind, images), options.number,
                encoding["permutations"], 4 if options.precision == "float32" else 8,
            )
            for features in (*sources, sum(sources))
        ]  # fmt: skip

    def encoding_device(self, wildcards: Wildcards) -> str:
        """Where encoding models are fitted: `cpu`, or the GPU that networks run on."""
        device, of_networks = self.ex.settings["encoding"]["device"], self.ex.settings["device"]
        if device == "cpu" or (device == "auto" and not self.ex.on_gpu):
            return "cpu"
        return of_networks if self.ex.on_gpu else "cuda"

    def encoding_gpus(self, wildcards: Wildcards) -> int:
        """GPUs of a job that fits encoding models."""
        return int(self.encoding_device(wildcards) != "cpu")

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


def _kind(folds: str | int | dict) -> str | int:
    """`image`, a number, or the kind of folds that a column or the features of images make."""
    return folds["kind"] if isinstance(folds, dict) else folds


def _splits(kind: str | int, images: int) -> int:
    """Number of fits with other training images that folds of a kind take."""
    known = {"image": images, "split": 1, "far": 1}.get(kind, kind)
    return known if isinstance(known, int) else resources.UNKNOWN_SPLITS


def _features(shape: tuple[int, ...], on_grid: bool, side: int | None) -> int:
    """Features of a sample with maps (h, w, channel): channels on a grid, else cells of each channel.

    Maps are averaged to `side`, if it is not None.
    """
    if len(shape) == 1 or on_grid:
        return shape[-1]
    height, width = (size if side is None else min(size, side) for size in shape[:2])
    return height * width * shape[2]


@cache
def shape_of_recording(path: str) -> tuple[int, int, int, int]:
    """Images, grid (y, x) and sites of a recording; raises FileNotFoundError before there is one."""
    from itcortex import store  # noqa: PLC0415 (every job's process imports this module)

    Path(path).stat()
    return store.read_shape(path)


@cache
def shapes_of_layers(path: str) -> tuple[tuple[int, ...], ...]:
    """Shape of an image's maps in every layer; raises FileNotFoundError before there are any."""
    from itcortex import store  # noqa: PLC0415 (every job's process imports this module)

    Path(path).stat()
    return store.read_layer_shapes(path)


@cache
def images_in(path: str) -> int:
    """Number of images of prepared stimuli.

    Before they are made it raises FileNotFoundError with their very name, by which Snakemake knows
    that the number is still to be determined.
    """
    from itcortex import store  # noqa: PLC0415 (every job's process imports this module)

    Path(path).stat()
    return store.count_images(path)
