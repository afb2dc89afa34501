"""Rule render_report: one self-contained page with figures, tables and settings."""

from itcortex import store
from itcortex.files import atomic_path
from itcortex.report import page
from itcortex.running import job, stamp

PACKAGES = (*stamp.PACKAGES, "pandas", "matplotlib")


def main(
    summary, tradeoff, ceilings, alignment, orientation, models, rsa, attention, shortcut, figures,
    template, report, experiment, settings, fingerprints,
):  # fmt: skip
    """Write the page; `figures` are PNG files that hold their captions.

    `rsa`, `attention` and `shortcut` are empty where the experiment has none.
    """
    paths = {"summary": summary, "tradeoff": tradeoff, "ceilings": ceilings}
    paths |= {"alignment": alignment, "orientation": orientation, "models": models}
    optional = {"rsa": rsa, "attention": attention, "shortcut": shortcut}
    paths |= {name: path for name, path in optional.items() if path}
    html = page.render(
        {name: store.read_table(path) for name, path in paths.items()},
        figures,
        experiment,
        settings,
        versions=stamp.versions(PACKAGES),
        fingerprints=fingerprints,
        template=template,
    )
    with atomic_path(report) as path:
        path.write_text(html, encoding="utf-8")


if __name__ == "__main__":
    job.run(main, snakemake)
