"""Rule plot_published: published scores against ImageNet accuracy."""

from itcortex import store
from itcortex.figures import published as figure
from itcortex.figures import style
from itcortex.running import job


def main(
    published, pdf, png, alignment_pdf, alignment_png, it_pdf, it_png, labels, cut, lines,
    titles, captions,
):  # fmt: skip
    """Draw every table, and the `lines` that have figures of their own.

    `titles` and `captions` go by name of the figure.
    """
    scores = store.read_table(published)
    about = titles["published"], captions["published"]
    style.save(figure.draw_tables(scores, labels, cut), pdf, png, *about)
    alone = (
        ("published_alignment", alignment_pdf, alignment_png),
        ("published_it", it_pdf, it_png),
    )
    for name, *paths in alone:
        line = lines[name]
        label = f"{labels.get(line['source'], line['source'])}: {[*line.values()][-1]}"
        drawn = figure.draw_one(scores, label, line, cut, hull=name == "published_it")
        style.save(drawn, *paths, titles[name], captions[name])


if __name__ == "__main__":
    job.run(main, snakemake)
