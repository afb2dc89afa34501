"""Rule plot_kinds: images of every kind, so that a person can check them."""

from itcortex import store
from itcortex.figures import kinds, style
from itcortex.running import job


def main(stimuli, images, pdf, png, rst, names, title, caption):
    """Draw the sets `names`; their `stimuli` and tables of `images` are in the same order."""
    sets = [
        kinds.Shown(name, store.read_stimuli(path).images, tuple(store.read_table(table)["kind"]))
        for name, path, table in zip(names, stimuli, images, strict=True)
    ]
    style.save(kinds.draw(sets), pdf, png, rst, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
