"""Rule predict_recording: a recording predicted from others that were shown the same pictures."""

from functools import partial

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.data.recordings import window_average
from itcortex.encoding import recording_pairs
from itcortex.encoding.divisions import DIVISIONS
from itcortex.encoding.protocols import PROTOCOLS
from itcortex.encoding.site_counts import COLUMNS, curve
from itcortex.encoding.targets import SHUFFLING, choose_targets, shuffled_targets
from itcortex.running import job, progress

#: Joins the seed where sites are drawn.
SITES = 2


def main(
    recording, shown, others, others_shown, scores, pairs, shared, curves, name, names, windows,
    mappings, protocol, components, rule, folds, pool, window, sweep, permutations, draws, seed,
    divided=(),
):  # fmt: skip
    """Write raw scores of every pair, what is known of the pairs, and the images they share.

    `others` and `others_shown` are recordings and labels of their images, `names` and `windows` their
    names and main windows, in one order. Curves over the number of their sites are of the first
    mapping; of every number of sites there are so many `draws`.
    """
    target = store.read_recording(recording)
    division = DIVISIONS[protocol](target, folds, seed, store.read_parts(divided))
    targets = choose_targets(target, window, sweep)
    averages = {one.window: window_average(target, one.window) for one in targets}
    first = described(name, target, shown, window)
    sources = [
        described(other, store.read_recording(path), labels, of_other)
        for other, path, labels, of_other in zip(names, others, others_shown, windows, strict=True)
    ]
    own = PROTOCOLS[recording_pairs.MAPPED_AS.get(protocol, protocol)]
    fitter = partial(own.fitter, n_components=components, rule=rule, seed=seed)
    labels = {"recording": name, "protocol": protocol}
    found = recording_pairs.pair_up(first, sources, division)
    usable = [pair for pair in found if not pair.refused]
    raw = []
    for pair in progress.bar(usable, f"{name} from others", unit="pair"):
        raw.append(
            recording_pairs.score(
                pair, [*targets, *shuffled_targets(targets[0], permutations)], averages,
                target.site_ids, {one: fitter(one, nested=False) for one in mappings}, labels, pool,
                np.random.default_rng([seed, SHUFFLING]),
            )
        )  # fmt: skip
    none = pd.DataFrame(columns=[*labels, *recording_pairs.SCORES, "r"])
    store.write_table(scores, pd.concat(raw or [none], ignore_index=True))
    about = pd.DataFrame([labels | pair.about for pair in found])
    store.write_table(pairs, about)
    images = [pair.shared.assign(recording=name) for pair in usable]
    drawn = [
        curve(pair, mappings[0], fitter(mappings[0], nested=False), pool, draws,
              np.random.default_rng([seed, SITES])).assign(**labels)
        for pair in progress.bar(usable, f"{name} by number of sites", unit="pair")
    ]  # fmt: skip
    store.write_table(curves, pd.concat(drawn or [pd.DataFrame(columns=[*labels, *COLUMNS])]))
    columns = ["recording", "ceiling_name", "image", "fold"]
    store.write_table(shared, pd.concat(images or [pd.DataFrame(columns=columns)]))


def described(name, recording, labels, window) -> recording_pairs.Shown:
    """A recording in its main window, with the digests of the pixels of its images."""
    about = store.read_table(labels).set_index("image")
    digests = tuple(about["digest"].loc[list(recording.image_ids)])
    average = window_average(recording, recording.window_in(window))
    return recording_pairs.Shown(name, recording.attributes["monkey"], average, digests)


if __name__ == "__main__":
    job.run(main, snakemake)
