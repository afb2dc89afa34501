"""Rule measure_top1: top-1 accuracy of one network on labelled images of ImageNet's classes."""

import logging
from dataclasses import asdict

import pandas as pd

from itcortex import store
from itcortex.running import job
from itcortex.training.accuracy import imagenet_folder, measure_top1, published_crop
from itcortex.weights.loaded import load_network

_log = logging.getLogger(__name__)


def main(images, weights, accuracy, network, batch_size, device, seed):
    """Write one row: top1 (%), n_images, crop, images (the folder), weights_digest."""
    samples = imagenet_folder(images)
    loaded = load_network(network, weights, device, seed)
    crop = published_crop(loaded.model)
    found = measure_top1(
        loaded.model, loaded.preprocessing, samples, crop, batch_size, loaded.device
    )
    _log.info(f"top-1 {found.top1:.2f} % of {found.n_images} images")
    about = {"images": str(images), "weights_digest": loaded.weights_digest}
    store.write_table(accuracy, pd.DataFrame([asdict(found) | about]))


if __name__ == "__main__":
    job.run(main, snakemake)
