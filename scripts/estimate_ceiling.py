"""Rule estimate_ceiling: every noise ceiling that one recording allows, in every window."""

import numpy as np

from itcortex import store
from itcortex.data import stimuli
from itcortex.encoding import ceilings as noise_ceilings
from itcortex.encoding import protocols
from itcortex.encoding.targets import choose_targets
from itcortex.running import job, progress


def main(recording, truth, ceilings, name, protocol, folds, window, sweep, used, splits, seed):
    """Write one row a ceiling, window and fold; `truth` is empty or the truth of a simulation."""
    recorded = store.read_recording(recording)
    noise_free = None
    if truth:
        planted, about = store.read_arrays(truth[0])
        order = stimuli.join_images(recorded.image_ids, about["image_ids"], truth[0])
        noise_free = planted[f"{name}/rate"][order]
    fold_of, folds_by_name = protocols.divide_images(recorded, protocol, folds, seed)
    targets = choose_targets(recorded, window, sweep)
    analysed = [target.window for target in targets if target.control == "none"]
    found = [
        noise_ceilings.estimate(
            recorded, one, fold_of, splits, np.random.default_rng(seed), noise_free, protocol
        )
        for one in progress.bar(analysed, f"{name} ceilings", unit="window")
    ]
    table = noise_ceilings.as_table(name, analysed, found, folds_by_name, used)
    store.write_table(ceilings, table)


if __name__ == "__main__":
    job.run(main, snakemake)
