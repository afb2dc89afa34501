"""Rule plot_conditions_gallery: where one network looks, before training and under every condition."""

from itcortex import store
from itcortex.figures import condition_captions, condition_gallery, gallery, style
from itcortex.running import job


def main(
    photographs,
    examples,
    scores,
    pdf,
    png,
    rst,
    data_format,
    names,
    network,
    n_images,
    blur,
    title,
    caption,
):
    """Draw photographs of one set; `examples` and `scores` are of score_attention, called `names`."""
    shown = {}
    for name, path in zip(names, examples, strict=True):
        arrays, attributes = store.read_arrays(path)
        shown[name] = (attributes["image_ids"], arrays["saliency"])
    joined = gallery.join(store.read_attention(photographs, data_format), shown, n_images, blur)
    tables = dict(zip(names, map(store.read_table, scores), strict=True))
    changed = condition_gallery.changes(tables, next(iter(joined.human)))
    joined = condition_gallery.in_order(joined, changed)
    said = condition_captions.of_gallery(changed, joined.image_ids)
    style.save(condition_gallery.draw(joined, network), pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
