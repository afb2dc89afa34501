"""Rule plot_unique_variance: what two networks explain, each beyond the other, and both."""

from itcortex import store
from itcortex.figures import condition_captions, style
from itcortex.figures import unique_variance as figure
from itcortex.running import job


def main(unique_variance, models, pdf, png, rst, title, caption):
    """Draw a panel for every recording; `models` knows conditions and seeds of networks trained here."""
    table = figure.of_conditions(store.read_table(unique_variance), store.read_table(models))
    said = condition_captions.of_unique_variance(table)
    style.save(figure.draw(table), pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
