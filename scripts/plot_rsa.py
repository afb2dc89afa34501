"""Rule plot_rsa: similarity of layers' geometry with published RDMs, by depth and by accuracy."""

from itcortex import store
from itcortex.figures import captions, style
from itcortex.figures import rsa as figure
from itcortex.running import job


def main(rsa, rsa_ceilings, pdf, png, rst, pattern, title, caption):
    """Draw a row of panels for every set of RDMs; `pattern` (map or pooled) says what a layer is."""
    table = store.read_table(rsa)
    table = table[table["pattern"] == pattern]
    drawn = figure.draw(table, store.read_table(rsa_ceilings))
    style.save(drawn, pdf, png, rst, title, caption, captions.of_rsa(table))


if __name__ == "__main__":
    job.run(main, snakemake)
