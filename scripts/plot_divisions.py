"""Rule plot_divisions: pictures of every part of the images of a recording."""

from itcortex import store
from itcortex.data import stimuli as images_of
from itcortex.figures import divisions, style
from itcortex.running import job


def main(parts, stimuli, pdf, png, rst, title, caption):
    """Draw tables of `parts`; their `stimuli` are in the same order."""
    drawn = []
    for path, shown in zip(parts, stimuli, strict=True):
        table, known = store.read_table(path), store.read_stimuli(shown)
        rows = images_of.join_images(tuple(table["image"]), known.image_ids, shown)
        about = table.iloc[0]
        name = f"{about['recording']}, {about['division']} (by {about['model']}, {about['layer']})"
        drawn.append(divisions.Divided(name, known.images[rows], table))
    style.save(divisions.draw(drawn), pdf, png, rst, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
