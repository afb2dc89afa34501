"""Rule estimate_range: published trends by range of accuracy and by family, in numbers and words."""

from itcortex import store
from itcortex.files import atomic_path
from itcortex.report import range_findings
from itcortex.running import job
from itcortex.tables.published import families_table, range_table
from itcortex.tables.trends import Ranges


def main(
    published, range_curve, range_curve_csv, family_trends, family_trends_csv, findings, ranges, cut,
    labels, bibliography, draws, seed,
):  # fmt: skip
    """Write range curves, trends within and between families, and what they say."""
    scores = store.read_table(published)
    curve = range_table(scores, Ranges(**ranges), draws, seed)
    families = families_table(scores, [0, cut], ranges["minimum"], draws, seed)
    store.write_table(range_curve, curve, csv=range_curve_csv)
    store.write_table(family_trends, families, csv=family_trends_csv)
    text = range_findings.text(curve, families, cut, labels, bibliography)
    with atomic_path(findings) as path:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    job.run(main, snakemake)
