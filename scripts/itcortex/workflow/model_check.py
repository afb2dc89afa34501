"""A check of the model table's rows before anything is spent: each is built, run, and given its weights.

What is wrong with one row is noted, and the others are checked all the same. Nothing is downloaded.
"""

import logging
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from itcortex.errors import UserError
from itcortex.networks.imagenet import (
    N_CLASSES,
    class_folders,
    class_of_folder,
    imagenet_classes,
)
from itcortex.networks.network import Network
from itcortex.workflow import resources
from itcortex.workflow.checked_models import CheckedModel
from itcortex.workflow.model_table import check_network
from itcortex.workflow.settings import require_labelled

if TYPE_CHECKING:
    from torch import nn

    from itcortex.networks.outline import Outline

_log = logging.getLogger(__name__)

#: Photographs of installed packages whose motif is among ImageNet's classes, and the classes that would
#: be right: cats; cups and what is in them; missiles and a shuttle; palaces, temples and boat houses.
MOTIFS = {
    "chelsea.png": {281, 282, 283, 284, 285},
    "coffee.png": {504, 505, 550, 809, 925, 960, 967, 968},
    "rocket.png": {657, 744, 812},
    "china.png": {449, 663, 668, 698, 832, 858},
}
#: Differences of sizes that are no matter for the memory of jobs: a share, and million parameters.
_SIZES_AGREE, _FEW_M = 0.1, 1.0


@dataclass(frozen=True)
class Plan:
    """What an experiment does with every network.

    Attributes
    ----------
    layers : number of layers of the layer rule.
    side : side to which larger maps are averaged, or None.
    value_bytes : bytes of a stored value.
    batch_size : images of a forward pass.
    on_gpu : whether networks run on a GPU.
    images : number of images of each set of stimuli that is shown; None before it is prepared.
    recordings : the set of stimuli that each recording was made with.
    labelled : folder of labelled images for rows whose top1 is `measure`, or None.
    """

    layers: int
    side: int | None
    value_bytes: int
    batch_size: int
    on_gpu: bool
    images: dict[str, int | None]
    recordings: dict[str, str]
    labelled: str | None = None


def check_row(row: dict, plan: Plan, photographs: dict) -> CheckedModel:
    """Build a row's network, run an image through it, load its weights if they are here.

    `row` is a row of the experiment's model table with `fetched`, where the workflow puts its weights,
    and `data_file`, the local file of a `data:` source if there is one. `photographs` are uint8 (row,
    column, rgb) by name. Faults are in what is returned; nothing is raised for them.
    """
    found = CheckedModel(row["model"], row["weights"], row["where"], row["source"])
    with _noted(found):
        network, outline = _outline(row, plan.layers)
        _describe(found, outline, plan)
        found.notes += _unlike_the_table(row, found.network["params_m"], outline)
        with _noted(found):
            check_network(row)
        with _noted(found):
            found.notes += _check_accuracy(row, outline.outputs, plan.labelled)
        with _noted(found):
            _load(found, row, network, outline, photographs)
    return found


def of_refused(row: dict) -> CheckedModel:
    """A row that could not be read: where, model, weights and reason of a `refused_rows.RefusedRow`."""
    found = CheckedModel(row["model"], row["weights"], row["where"])
    with _noted(found):
        raise UserError(row["reason"])
    return found


@contextmanager
def _noted(found: CheckedModel) -> Iterator[None]:
    """An error of the block is a fault of the row, without the words that say which row it is."""
    try:
        yield
    except UserError as error:
        place = f"{found.where}: "
        found.faults.append(str(error).removeprefix(place).removeprefix(f"{found.model}: "))
    except Exception as error:  # noqa: BLE001 (the other rows are checked all the same)
        found.faults.append(f"{type(error).__name__}: {error}; the log has where it happened")
        _log.exception("%s %s", found.where, found.name)


# --- the network ----------------------------------------------------------------------------------


def _outline(row: dict, count: int) -> tuple[Network, "Outline"]:
    from itcortex.networks.outline import Outline  # noqa: PLC0415 (loads torch)

    network = Network.of_row(row)
    return network, Outline.of(network, [name for name in row["layers"].split(";") if name], count)


def _describe(found: CheckedModel, outline: "Outline", plan: Plan) -> None:
    """Facts on the network, its layers, and what they will cost."""
    images = outline.preprocessing
    origins = {}
    for key, origin in outline.origins.items():
        origins.setdefault(origin, []).append(key)
    told = [f"{', '.join(keys)}: {origin}" for origin, keys in origins.items()]
    found.network = {
        "built_on": outline.device,
        "params_m": outline.params_m,
        "outputs": float("nan") if outline.outputs is None else outline.outputs,
        "input_size": "x".join(map(str, images.input_size)),
        "interpolation": images.interpolation,
        "mean": _numbers(images.mean),
        "std": _numbers(images.std),
        "preprocessing_from": next(iter(origins)) if len(origins) == 1 else "; ".join(told),
    }
    if outline.off_meta:
        found.notes.append(
            f"built on the CPU, with values, because it cannot be built on the meta device "
            f"({outline.off_meta})"
        )
    for layer in outline.layers:
        about = asdict(layer)
        place = {"layer": about.pop("name"), "depth": about.pop("depth")}
        stored = resources.stored_values(layer.height, layer.width, layer.channels, plan.side)
        found.layers.append(place | about | {"mb_an_image": stored * plan.value_bytes / 1e6})
    mb_an_image = sum(layer["mb_an_image"] for layer in found.layers)
    found.costs = estimate(outline.params_m, max(images.input_size[1:]), mb_an_image, plan)


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{value:.4g}" for value in values)


def estimate(params_m: float, side_px: float, mb_an_image: float, plan: Plan) -> dict[str, float]:
    """What a network will cost at most, by the arithmetic that sizes its jobs (`resources`).

    Memory is that of its largest job. Where it is known how many images there are: disk for its
    activations, minutes to extract them, and minutes that all of its jobs ask for.
    """
    seconds = resources.seconds_an_image(params_m, side_px, plan.on_gpu)
    running = resources.network_mem_mb(
        params_m, side_px, resources.EXTRACTION_MAPS_MB, plan.batch_size, attempt=1
    )
    memory = max(running, resources.fetching_mem_mb(params_m, attempt=1))
    costs = {"seconds_an_image": seconds, "mb_an_image": mb_an_image}
    if None in plan.images.values() or not plan.images:
        return costs | {"memory_mb": memory}
    disk = {name: mb_an_image * images for name, images in plan.images.items()}
    asked = [resources.extraction_minutes(n, seconds, attempt=1) for n in plan.images.values()]
    for stimuli in plan.recordings.values():
        memory = max(memory, resources.encoding_mem_mb(disk[stimuli], attempt=1))
        asked.append(resources.encoding_minutes(disk[stimuli], attempt=1))
    images = sum(plan.images.values())
    return costs | {
        "memory_mb": memory,
        "images": images,
        "disk_mb": sum(disk.values()),
        "minutes_extraction": images * seconds / 60,
        "minutes_requested": sum(asked),
    }


def _unlike_the_table(row: dict, params_m: float, outline: "Outline") -> list[str]:
    """Sizes of the row that are not the network's: jobs ask for memory and time by the row's."""
    real = {
        "params_m": (round(params_m, 3), resources.UNKNOWN_PARAMS_M, _FEW_M),
        "input_size": (max(outline.preprocessing.input_size[1:]), resources.UNKNOWN_SIDE_PX, 0),
    }
    notes = []
    for column, (value, otherwise, little) in real.items():
        taken = resources.stated(row[column], otherwise)
        if abs(taken - value) > max(_SIZES_AGREE * value, little):
            said = "empty" if math.isnan(row[column]) else f"{row[column]:g}"
            notes.append(
                f"{column} is {said}: its jobs ask for memory and time of {taken:g}, and the network's "
                f"is {value:g}; write {value:g}"
            )
    return notes


def _check_accuracy(row: dict, outputs: int | None, labelled: str | None) -> list[str]:
    """Raise `UserError` if top1 cannot be measured; a note on one that may be another network's."""
    given = "no vector" if outputs is None else f"{outputs} values"
    if row["measured"]:
        require_labelled(labelled)
        if outputs != N_CLASSES:
            raise UserError(
                f"top1: measure: the network puts out {given}, and top-1 is over the {N_CLASSES:,} "
                "classes of ImageNet; leave top1 empty"
            )
        class_of_folder(class_folders(labelled), imagenet_classes(), labelled)
    elif not math.isnan(row["top1"]) and outputs != N_CLASSES:
        return [
            f"top1 is {row['top1']:g} and the network puts out {given}, not {N_CLASSES:,} scores: make "
            "sure that it is the accuracy of these weights"
        ]
    return []


# --- weights --------------------------------------------------------------------------------------


def _load(
    found: CheckedModel, row: dict, network: Network, outline: "Outline", photographs: dict
) -> None:
    """Read the weights if they are here; a classifier of ImageNet is shown photographs."""
    from itcortex.weights.at_hand import read_at_hand  # noqa: PLC0415 (loads torch)

    found.loaded = False
    weights = read_at_hand(row, network, outline.model, row["fetched"], row["data_file"])
    found.at_hand = weights.told
    found.loaded = None if weights.state is None else True
    if weights.state is not None and outline.outputs == N_CLASSES:
        model = network.build(seed=0)
        model.load_state_dict(weights.state)
        recognise(found, model, outline, photographs)


def recognise(
    found: CheckedModel, model: "nn.Module", outline: "Outline", photographs: dict
) -> None:
    """Note the likeliest classes of `photographs` (by file name), and if they are hardly ever right."""
    from itcortex.networks.recognition import likeliest_classes  # noqa: PLC0415 (loads torch)

    images, known = np.stack([*photographs.values()]), imagenet_classes()
    likeliest = likeliest_classes(model, outline.preprocessing, images)
    right = 0
    for name, numbers in zip(photographs, likeliest.tolist(), strict=True):
        found.classes[name] = [known.short(number) for number in numbers]
        right += not MOTIFS[name].isdisjoint(numbers)
    if right < len(photographs) / 2:
        found.notes.append(
            f"sees what is there in {right} of {len(photographs)} photographs, and a classifier of "
            "ImageNet does in nearly all: check mean, std and input_size in the column preprocessing, "
            "and that its scores are in the order of ImageNet's classes"
        )
