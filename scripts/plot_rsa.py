"""Rule plot_rsa: similarity of layers' geometry with published RDMs, by depth and by accuracy."""

from itcortex import store
from itcortex.figures import rsa as figure
from itcortex.figures import style
from itcortex.running import job


def main(rsa, rsa_ceilings, pdf, png, pattern, title, caption):
    """Draw a row of panels for every set of RDMs; `pattern` (map or pooled) says what a layer is."""
    table = store.read_table(rsa)
    drawn = figure.draw(table[table["pattern"] == pattern], store.read_table(rsa_ceilings))
    style.save(drawn, pdf, png, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
