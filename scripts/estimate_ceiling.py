"""Rule estimate_ceiling: every noise ceiling that one recording allows, in every window."""

from itertools import zip_longest

import numpy as np

from itcortex import store
from itcortex.data import stimuli
from itcortex.encoding import ceilings as noise_ceilings
from itcortex.encoding import pair_scores, recording_pairs
from itcortex.encoding.divisions import DIVISIONS
from itcortex.encoding.protocol_ceilings import CEILINGS
from itcortex.encoding.targets import SHUFFLING, choose_targets
from itcortex.running import job, progress

#: Random halves of the trials in each shuffled recording, whose ceilings are averaged anyway.
SPLITS_BY_CHANCE = 5


def main(
    recording, truth, scores, pairs, ceilings, name, protocol, folds, window, sweep, used, mappings,
    splits, permutations, seed, divided=(),
):  # fmt: skip
    """Write one row for each ceiling, window and fold.

    `truth` is empty, or holds the file with the truth of a simulation; `scores` and `pairs` are empty
    where no other recording may predict this one. With several `mappings` the first makes a ceiling.
    """
    recorded = store.read_recording(recording)
    noise_free = None
    if truth:
        planted, about = store.read_arrays(truth[0])
        order = stimuli.join_images(recorded.image_ids, about["image_ids"], truth[0])
        noise_free = planted[f"{name}/rate"][order]
    division = DIVISIONS[protocol](recorded, folds, seed, store.read_parts(divided))
    targets = choose_targets(recorded, window, sweep)
    analysed = [target.window for target in targets if target.control == "none"]
    estimates = [
        CEILINGS[protocol](
            recorded, target, division, splits, np.random.default_rng(seed), noise_free
        )
        for target in progress.bar(analysed, f"{name} ceilings", unit="window")
    ]
    rng = np.random.default_rng([seed, SHUFFLING])
    main = noise_ceilings.of_window(recorded, analysed[0])
    by_chance = [
        CEILINGS[protocol](
            noise_ceilings.shuffled(main, rng, division.tested), None, division,
            min(splits, SPLITS_BY_CHANCE), rng, noise_free,
        )
        for _ in range(permutations)
    ]  # fmt: skip
    refused = {}
    if scores:
        medians = pair_scores.medians(store.read_blocks(scores[0]))
        of_others = pair_scores.as_ceilings(medians, mappings[0], analysed, division.names)
        estimates, by_chance = map(joined, (estimates, by_chance), of_others)
        refused = recording_pairs.no_divisors(store.read_table(pairs[0]))
    table = noise_ceilings.as_table(
        name, analysed, estimates, division.names, used, by_chance, refused
    )
    store.write_table(ceilings, table)


def joined(own: list[dict], of_others: list[dict]) -> list[dict]:
    """Ceilings of a recording itself and of others, window by window or shuffled copy by copy."""
    return [one | other for one, other in zip_longest(own, of_others, fillvalue={})]


if __name__ == "__main__":
    job.run(main, snakemake)
