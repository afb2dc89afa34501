"""Rule label_images: what is known of every image: which picture it shows, and of what kind it is."""

import logging
from collections import Counter

import pandas as pd

from itcortex import store
from itcortex.data.kinds import kinds_of
from itcortex.data.stimuli import warn_of_twins
from itcortex.running import job

_log = logging.getLogger(__name__)


def main(stimuli, table, images, kinds):
    """Write a row for each image: image, picture (the first with its pixels), kind, pixels' digest.

    `table` is empty or the file that names the kinds; `kinds` is what the registry says of them.
    """
    image_ids, pictures = store.read_pictures(stimuli)
    warn_of_twins(image_ids, pictures, stimuli)
    shown = store.read_stimuli(stimuli).images if "cluster" in kinds else None
    kind = kinds_of(shown, image_ids, table[0] if table else None, kinds)
    counts = ", ".join(f"{n} of {name!r}" for name, n in Counter(kind).most_common())
    _log.info(f"{stimuli}: kinds of images: {counts}")
    labels = {"image": image_ids, "picture": pictures, "kind": kind}
    labels["digest"] = store.read_digests(stimuli)
    store.write_table(images, pd.DataFrame(labels))


if __name__ == "__main__":
    job.run(main, snakemake)
