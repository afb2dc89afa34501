"""Rule plot_published: published scores against ImageNet accuracy."""

from itcortex import store
from itcortex.figures import captions, style
from itcortex.figures import published as figure
from itcortex.running import job

CLAIMS = {
    "published_it": "The paper's first figure has the IT scores of 104 networks fall at high accuracy.",
    "published_alignment": "The paper builds on accurate networks looking elsewhere than people do.",
}


def main(
    published, pdf, png, rst, alignment_pdf, alignment_png, alignment_rst, it_pdf, it_png, it_rst,
    labels, cut, lines, titles, captions_of,
):  # fmt: skip
    """Draw every table, and the `lines` that have figures of their own.

    `titles` and `captions_of` go by name of the figure.
    """
    scores = store.read_table(published)
    about = titles["published"], captions_of["published"]
    style.save(figure.draw_tables(scores, labels, cut), pdf, png, rst, *about)
    alone = (
        ("published_alignment", alignment_pdf, alignment_png, alignment_rst),
        ("published_it", it_pdf, it_png, it_rst),
    )
    for name, *paths in alone:
        line = lines[name]
        label = f"{labels.get(line['source'], line['source'])}: {[*line.values()][-1]}"
        drawn = figure.draw_one(scores, label, line, cut, hull=name == "published_it")
        said = captions.of_published(scores, line, cut, CLAIMS[name])
        style.save(drawn, *paths, titles[name], captions_of[name], said)


if __name__ == "__main__":
    job.run(main, snakemake)
