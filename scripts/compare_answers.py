"""Rule compare_answers: what training changed in a network's answers on its validation photographs."""

import tempfile
from collections.abc import Sequence

from itcortex import store
from itcortex.errors import UserError
from itcortex.running import job
from itcortex.training.answers import compare_answers
from itcortex.training.images.sources import open_samples
from itcortex.training.own_labels import OwnLabels
from itcortex.training.recipe import Recipe
from itcortex.weights.loaded import load_network


def main(weights, start, validation, answers, labels, network, recipe, device, seed):
    """Show a network what its training judged it by, with the `weights` of after and of its `start`.

    Raises `UserError`, before a network is loaded, for a training without validation photographs.
    """
    if not _paths(validation):
        raise UserError(
            f"validation: the training of {weights} names no file, so that there is no photograph to "
            "compare its answers on before and after; give the training `validation`, photographs that "
            "it does not learn from"
        )
    before = load_network(network, _paths(start)[0], device, seed)
    after = load_network(network, weights, device, seed)
    with tempfile.TemporaryDirectory() as scratch:
        samples = open_samples(_paths(validation), scratch, labelled=False)
        table = compare_answers(
            after.model,
            OwnLabels(before.model),
            samples,
            after.preprocessing,
            Recipe.of(recipe).validation_crop,
            after.device,
        )
    store.write_table(answers, table.assign(**labels))


def _paths(paths: str | Sequence[str]) -> list[str]:
    return [paths] if isinstance(paths, str) else list(paths)


if __name__ == "__main__":
    job.run(main, snakemake)
