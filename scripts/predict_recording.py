"""Rule predict_recording: a recording predicted from others that were shown the same pictures."""

from functools import partial

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.data.recordings import window_average
from itcortex.encoding import pair_scores, recording_pairs
from itcortex.encoding.divisions import DIVISIONS
from itcortex.encoding.places import Place
from itcortex.encoding.protocols import PROTOCOLS
from itcortex.encoding.ridge_options import RidgeOptions
from itcortex.encoding.site_counts import COLUMNS, curve
from itcortex.encoding.targets import SHUFFLING, choose_targets, shuffled_targets
from itcortex.running import job, progress

#: Joins the seed where sites are drawn.
SITES = 2


def main(
    recording, shown, others, others_shown, scores, pairs, shared, curves, predictions, name, names,
    windows, mappings, protocol, components, rule, ridge, device, fall_back, folds, pool, window, sweep,
    permutations, draws, seed, divided=(),
):  # fmt: skip
    """Write raw scores of every pair, what is known of the pairs, and the images they share.

    `others` and `others_shown` are recordings and labels of their images, `names` and `windows` their
    names and main windows, in one order. Curves over the number of their sites are of the first
    mapping; of every number of sites there are so many `draws`. Predictions are kept of test images
    where one test set is held out, for intervals over these.
    """
    target = store.read_recording(recording)
    division = DIVISIONS[protocol](target, folds, seed, store.read_parts(divided))
    targets = choose_targets(target, window, sweep)
    averages = {one.window: window_average(target, one.window) for one in targets}
    targets += shuffled_targets(targets[0], permutations)
    first = described(name, target, shown, window)
    sources = [
        described(other, store.read_recording(path), labels, of_other)
        for other, path, labels, of_other in zip(names, others, others_shown, windows, strict=True)
    ]
    options = {"n_components": components, "rule": rule, "seed": seed, "nested": False}
    options |= {"ridge": RidgeOptions.of(ridge), "place": Place(device, fall_back)}
    own = PROTOCOLS[recording_pairs.MAPPED_AS.get(protocol, protocol)]
    fitters, kept = {one: own.fitter(one, **options) for one in mappings}, {}
    labels = {"recording": name, "protocol": protocol}
    found = recording_pairs.pair_up(first, sources, division)
    usable = [pair for pair in found if not pair.refused]
    ceilings = [one.ceiling_name for one in found]
    texts = (labels, ceilings, mappings, targets, division.names, target.site_ids)
    types = pair_scores.text_types(*texts)

    def blocks():
        for pair in progress.bar(usable, f"{name} from others", unit="pair"):
            rng = np.random.default_rng([seed, SHUFFLING])
            fits = pair_scores.fit_pair(pair, targets, averages, fitters, pool, rng)
            if pair.has_one_test_set:
                of_pair = fits.test_predictions().items()
                kept.update({f"{pair.ceiling_name}/{one}": values for one, values in of_pair})
            yield from fits.blocks(labels, target.site_ids, types, division.kinds)

    store.write_blocks(scores, blocks(), pair_scores.no_scores(labels))
    store.write_arrays(predictions, kept, labels)
    store.write_table(pairs, pd.DataFrame([labels | pair.about for pair in found]))
    fit = partial(curve, mapping=mappings[0], fit=fitters[mappings[0]], pool=pool, draws=draws)
    drawn = [
        fit(pair, rng=np.random.default_rng([seed, SITES])).assign(**labels)
        for pair in progress.bar(usable, f"{name} by number of sites", unit="pair")
    ]
    store.write_table(curves, pd.concat(drawn or [pd.DataFrame(columns=[*labels, *COLUMNS])]))
    images = [pair.shared.assign(recording=name) for pair in usable]
    columns = ["recording", "ceiling_name", "image", "fold"]
    store.write_table(shared, pd.concat(images or [pd.DataFrame(columns=columns)]))


def described(name, recording, labels, window) -> recording_pairs.Shown:
    """A recording in its main window, with the digests of the pixels of its images."""
    about = store.read_table(labels).set_index("image")
    digests = tuple(about["digest"].loc[list(recording.image_ids)])
    average = window_average(recording, recording.window_in(window))
    monkey = recording.attributes["monkey"]
    return recording_pairs.Shown(name, monkey, average, digests, recording.site_ids)


if __name__ == "__main__":
    job.run(main, snakemake)
