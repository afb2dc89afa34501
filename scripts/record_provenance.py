"""Rule record_provenance: data, weights, code, packages and settings behind every table row."""

import json

from itcortex.files import atomic_path
from itcortex.running import job
from itcortex.workflow.provenance import trace


def main(
    jobs, data, digits, prepared, activations, predictions, weights, tables, provenance, registry,
    datasets, sources, settings, fingerprints, scores, published, test_images,
):  # fmt: skip
    """Write what `itcortex.workflow.provenance.trace` finds as JSON."""
    found = trace(
        jobs,
        [*data, *digits, *prepared, *activations, *predictions, *weights],
        tables,
        registry=registry,
        datasets=datasets,
        sources=sources,
        settings=settings,
        code=fingerprints,
        published=published,
        test_images=test_images,
    )
    with atomic_path(provenance) as path:
        path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, snakemake)
