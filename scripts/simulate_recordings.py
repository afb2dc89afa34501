"""Rule simulate_recordings: SIMULATED arrays in the archive format of the published recordings."""

import numpy as np

from itcortex import store
from itcortex.networks.activations import extract
from itcortex.networks.layer_choice import named_layers
from itcortex.running import job
from itcortex.simulation import scenes
from itcortex.simulation.archive import plan_sessions, record_session, write_arcaro_archive
from itcortex.simulation.arrays import simulate_array
from itcortex.weights.loaded import load_network


def main(weights, archive, truth, network, arrays, repeats, size_px, seed):
    """Let simulated sites read layers of a teacher network on photographs, and record them.

    Each of `arrays` has name, mat, folder, sites (its channels of the .mat), grid, layer, rf_sigma.
    """
    shown = scenes.photographs(size_px)
    teacher = load_network(network, weights)
    names = list(dict.fromkeys(array["layer"] for array in arrays))
    layers = named_layers(teacher.network.skeleton(), teacher.preprocessing.input_size, names)
    images = len(shown.images)
    ((_, features),) = extract(
        teacher.model, teacher.preprocessing, shown.images, layers, images, teacher.device
    )

    rng = np.random.default_rng(seed)
    planted = {
        array["name"]: simulate_array(
            features[array["layer"]], array["grid"], array["sites"][1] - array["sites"][0], rng,
            rf_sigma=array["rf_sigma"],
        )
        for array in arrays
    }  # fmt: skip
    sessions = (
        record_session(mat, folder, shown, [planted[name] for name in members], repeats, rng)
        for (mat, folder), members in plan_sessions(arrays).items()
    )
    write_arcaro_archive(archive, sessions)
    named = {key: v for name, array in planted.items() for key, v in array.named(name).items()}
    about = {
        "architecture": teacher.network.architecture,
        "repeats": repeats,
        "seed": seed,
        "arrays": arrays,
    }
    about |= {"image_ids": shown.image_ids, "simulated": True}
    store.write_arrays(truth, named, about)


if __name__ == "__main__":
    job.run(main, snakemake)
