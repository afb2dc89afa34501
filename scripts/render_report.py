"""Rule render_report: one self-contained page with figures, tables and settings."""

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from itcortex import job, store
from itcortex import report as page

PACKAGES = (*job.PACKAGES, "pandas", "matplotlib")


def main(
    summary, tradeoff, ceilings, alignment, orientation, figures, report, experiment, settings,
    template=page.TEMPLATE, fingerprints=None, captions=None,
):  # fmt: skip
    """Write the page; `figures` are PNG files, `fingerprints` and `captions` go by name."""
    versions = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    paths = {"summary": summary, "tradeoff": tradeoff, "ceilings": ceilings}
    paths |= {"alignment": alignment, "orientation": orientation}
    html = page.render(
        {name: store.read_table(path) for name, path in paths.items()},
        figures,
        experiment,
        settings,
        versions=versions,
        fingerprints=fingerprints or {},
        captions=captions or {},
        template=template,
    )
    with store.atomic_path(report) as path:
        path.write_text(html, encoding="utf-8")


if __name__ == "__main__":
    job.run(main, snakemake)
