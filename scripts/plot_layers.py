"""Rule plot_layers: predictivity of every layer against its depth."""

from itcortex import job, store
from itcortex.figures import layers, style


def main(scores, summary, pdf, png, planted=None):
    """Draw every model's layers; `planted` marks the true layers of simulated recordings."""
    drawn = layers.draw(store.read_table(scores), store.read_table(summary), planted=planted)
    style.save(drawn, pdf, png)


if __name__ == "__main__":
    job.run(main, snakemake)
