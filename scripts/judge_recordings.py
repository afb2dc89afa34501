"""Rule judge_recordings: all that was found, in words; an error where a run would make no sense."""

import json
from pathlib import Path

from itcortex.errors import UserError
from itcortex.files import atomic_path
from itcortex.report.recording_checks import in_words
from itcortex.running import job


def main(found, summary):
    """Write a page with every recording's facts and problems; raise if any of these stops a run."""
    checks = [json.loads(Path(path).read_text(encoding="utf-8")) for path in found]
    with atomic_path(summary) as path:
        path.write_text("\n".join(map(in_words, checks)), encoding="utf-8")
    stops = [
        f"{one['recording']}: {problem['what']}: {problem['remedy']}"
        for one in checks
        for problem in one["problems"]
        if problem["stops"]
    ]
    if stops:
        raise UserError("a run makes no sense yet:\n  - " + "\n  - ".join(stops))


if __name__ == "__main__":
    job.run(main, snakemake)
