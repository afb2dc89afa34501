"""Rule train_harmonized: one network with one strength and seed, continued where it was left."""

import json
import logging
from pathlib import Path

from itcortex import store
from itcortex.files import atomic_path
from itcortex.networks.network import Network
from itcortex.running import job
from itcortex.training import checkpoint
from itcortex.training.images.sources import open_samples, require_same_classes
from itcortex.training.plan import Data, Place, Plan, new_classifier
from itcortex.training.recipe import Recipe
from itcortex.training.train import train
from itcortex.weights.state import load

_log = logging.getLogger(__name__)


def main(
    labelled, mapped, validation, weights, history, network, strength, seed, recipe, device,
    processes, workers, checkpoint_steps, start=(), classes="", tensorboard="", about="",
):  # fmt: skip
    """Train from `start` (a weights file), or from scratch, on labelled images and images with maps.

    Until the training is done, its state is kept beside `weights`. A job that is asked to stop (SIGTERM)
    ends with status 75; whether it was asked or killed, the next job continues the training.
    `tensorboard` is a folder for event files. `about` is a JSON file for the attributes of the weights
    file (all hyper-parameters, digests of the images, results). Either is empty for none.
    """
    network, folder = Network(**network), checkpoint.folder_beside(weights)
    plan = Plan(network, Recipe.of(recipe), strength, seed, _start(network, seed, start))
    sources = {"labelled": labelled, "mapped": mapped, "validation": validation}
    need = plan.recipe.labels == "given"
    data = Data(
        **{
            name: open_samples(_paths(paths), folder / "shards", classes, labelled=need)
            for name, paths in sources.items()
        }
    )
    require_same_classes(data.labelled, data.mapped, data.validation)
    events = Path(tensorboard) if tensorboard else None
    place = Place(folder, device, processes, workers, checkpoint_steps, events)
    trained = train(plan, data, place)
    store.write_table(history, trained.table())
    if about:
        with atomic_path(about) as path:
            path.write_text(json.dumps(trained.attributes, indent=1) + "\n", encoding="utf-8")
    store.write_weights(weights, trained.state, trained.attributes)
    checkpoint.remove(folder)
    if trained.collapsed:
        _log.warning(
            "collapsed: after training the network agrees with itself before on "
            f"{trained.attributes['results']['validation_agreement']:.0%} of the validation images; "
            "lower strength or learning_rate"
        )
    _log.info(f"digest {trained.attributes['digest']}")


def _paths(paths):
    return [paths] if isinstance(paths, str) else list(paths)


def _start(network, seed, start):
    """State dict of a weights file for this network; None to start from scratch."""
    paths = _paths(start)
    if not paths:
        return None
    state, attributes = store.read_weights(paths[0])
    model = network.build(seed)
    own = new_classifier(state, model)
    load(model, network.architecture, state | own, attributes, paths[0])
    if own:
        _log.info(
            f"{', '.join(own)}: drawn with seed {seed}; those in {paths[0]} are for other classes"
        )
    return state


if __name__ == "__main__":
    asked = snakemake.resources
    events = Path(snakemake.output.weights).with_suffix(".tensorboard") if asked.tensorboard else ""
    job.run(
        main, snakemake, processes=asked.processes, workers=asked.workers,
        checkpoint_steps=asked.checkpoint_steps, tensorboard=events,
    )  # fmt: skip
