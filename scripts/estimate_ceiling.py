"""Rule estimate_ceiling: every noise ceiling that one recording allows, in every window."""

import numpy as np

from itcortex import store
from itcortex.data import stimuli
from itcortex.encoding import ceilings as noise_ceilings
from itcortex.encoding.protocols import PROTOCOLS
from itcortex.encoding.targets import choose_targets
from itcortex.running import job, progress


def main(recording, truth, ceilings, name, protocol, folds, window, sweep, used, splits, seed):
    """Write one row for each ceiling, window and fold.

    `truth` is empty, or holds the file with the truth of a simulation.
    """
    recorded = store.read_recording(recording)
    noise_free = None
    if truth:
        planted, about = store.read_arrays(truth[0])
        order = stimuli.join_images(recorded.image_ids, about["image_ids"], truth[0])
        noise_free = planted[f"{name}/rate"][order]
    division = PROTOCOLS[protocol].divide(recorded, folds, seed)
    targets = choose_targets(recorded, window, sweep)
    analysed = [target.window for target in targets if target.control == "none"]
    estimates = [
        PROTOCOLS[protocol].ceilings(
            recorded, target, division, splits, np.random.default_rng(seed), noise_free
        )
        for target in progress.bar(analysed, f"{name} ceilings", unit="window")
    ]
    table = noise_ceilings.as_table(name, analysed, estimates, division.names, used)
    store.write_table(ceilings, table)


if __name__ == "__main__":
    job.run(main, snakemake)
