"""Rule simulate_digits: digits on photographs with a shortcut, and a SIMULATED array for them."""

import numpy as np

from itcortex import store
from itcortex.running import job
from itcortex.simulation import digit_sites, digits


def main(
    train, validation, intact, broken, responses, images, truth, settings, counts, sites, repeats,
    name, seed,
):  # fmt: skip
    """Draw the sets of images (`counts` of each), and record simulated sites on images of their own.

    `settings` are those of `digits.Settings`. `intact` and `broken` differ in nothing but the class
    that the shortcut shows; in the recorded images it is drawn at random too. `name` is that of the
    recording, under which `truth` has what was planted.
    """
    look = digits.Settings.of(settings)
    streams = iter(np.random.default_rng(seed).spawn(4))
    for path, part in ((train, "train"), (validation, "validation")):
        rng = next(streams)
        scenes = digits.arrange(part, counts[part], look, rng)
        shortcuts = digits.draw_shortcuts(scenes.labels, look.share, rng)
        store.write_table(path, scenes.table(part, shortcuts))

    rng = next(streams)
    scenes = digits.arrange("test", counts["test"], look, rng)
    for path, part, share in ((intact, "intact", look.share), (broken, "broken", digits.CHANCE)):
        shortcuts = digits.draw_shortcuts(scenes.labels, share, rng)
        store.write_table(path, scenes.table(part, shortcuts))

    rng = next(streams)
    shown = digits.arrange("test", counts["recorded"], look, rng)
    shortcuts = digits.draw_shortcuts(shown.labels, digits.CHANCE, rng)
    planted = digit_sites.plant(shown, sites, rng)
    spikes = digit_sites.record(planted, repeats, rng)
    digit_sites.write(responses, images, spikes, shown.images(shortcuts))
    ids = [digit_sites.IMAGE_NAME.format(n + 1) for n in range(len(shortcuts))]
    about = {"image_ids": ids, "repeats": repeats, "seed": seed, "simulated": True}
    store.write_arrays(truth, planted.named(name), about)


if __name__ == "__main__":
    job.run(main, snakemake)
