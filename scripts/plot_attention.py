"""Rule plot_attention: agreement with human attention against ImageNet accuracy, and examples."""

from itcortex import store
from itcortex.figures import attention, gallery, style
from itcortex.running import job


def main(
    table, photographs, examples, pdf, png, data_format, models, n_images, blur, saliency,
    title, caption,
):  # fmt: skip
    """Draw the table, and photographs of one set with the saliency of `models` (their labels).

    `examples` are files of score_attention, in the order of `models`.
    """
    shown = {}
    for label, path in zip(models, examples, strict=True):
        arrays, attributes = store.read_arrays(path)
        shown[label] = (attributes["image_ids"], arrays["saliency"])
    joined = gallery.join(store.read_attention(photographs, data_format), shown, n_images, blur)
    style.save(attention.draw(store.read_table(table), joined, saliency), pdf, png, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
