"""Rule check_recording: what is in one recording, and what is wrong with it, before a network is run."""

import json
from dataclasses import asdict

from itcortex import store
from itcortex.encoding import site_checks
from itcortex.encoding.recording_check import Plan, check
from itcortex.figures import recording_check, style
from itcortex.files import atomic_path
from itcortex.running import job


def main(
    recording, stimuli, found, sites, sites_csv, pdf, png, name, protocol, folds, further,
    window, ceiling, splits, seed, title, caption,
):  # fmt: skip
    """Write what was found as JSON, a table of the sites, and a figure."""
    recorded, shown = store.read_recording(recording), store.read_stimuli(stimuli)
    window = tuple(map(float, window)) if window else None
    plan = Plan(protocol, folds, window, ceiling, splits, seed, further)
    seen = check(recorded, shown, plan)
    problems = [asdict(problem) for problem in seen.problems]
    with atomic_path(found) as path:
        content = {"recording": name, "facts": seen.facts, "problems": problems}
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    store.write_table(sites, seen.sites.assign(recording=name), csv=sites_csv)
    index = {image: k for k, image in enumerate(shown.image_ids)}
    figure = recording_check.draw(
        seen.sites,
        seen.average,
        site_checks.time_course(recorded),
        site_checks.timed(recorded, seen.average, seen.window),
        shown.images[[index[image] for image in recorded.image_ids]],
        seen.facts["unit"],
    )
    style.save(figure, pdf, png, None, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
