"""Rule plot_attention: agreement with human attention against ImageNet accuracy, and examples."""

import numpy as np

from itcortex import store
from itcortex.figures import attention, captions, gallery, style
from itcortex.running import job


def main(
    table, photographs, examples, pdf, png, rst, data_format, models, n_images, blur, saliency,
    draws, seed, title, caption,
):  # fmt: skip
    """Draw the table, and photographs of one set with the saliency of `models` (their labels).

    `examples` are files of score_attention, in the order of `models`.
    """
    shown = {}
    for label, path in zip(models, examples, strict=True):
        arrays, attributes = store.read_arrays(path)
        shown[label] = (attributes["image_ids"], arrays["saliency"])
    joined = gallery.join(store.read_attention(photographs, data_format), shown, n_images, blur)
    rows = store.read_table(table)
    said = captions.of_attention(rows, saliency, draws, np.random.default_rng(seed))
    style.save(attention.draw(rows, joined, saliency), pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
