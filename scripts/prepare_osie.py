"""Rule prepare_osie: photographs of OSIE with maps of eye and mouse, and how far people agree."""

import logging
from pathlib import Path

import numpy as np

from itcortex import store
from itcortex.data.published import osie
from itcortex.errors import choose
from itcortex.running import job

_log = logging.getLogger(__name__)


def main(
    stimuli, fixations, mouse, photographs, ceilings, name, sigma_px, splits, seed, leave_out=()
):
    """Join photographs (zip), fixations (.mat) and mouse positions (zip of .mat) by number.

    The photographs that `leave_out` names are no part of the set `name`.
    """
    eye = osie.read_fixations(Path(fixations).read_bytes(), str(fixations))
    points = {"eye": eye, "mouse": osie.read_mouse_archive(mouse)}
    jpegs = osie.read_jpegs(stimuli)
    for image in leave_out:
        choose(image, jpegs, f"attention: {name}: leave_out ({stimuli})")
    kept = {image: jpeg for image, jpeg in jpegs.items() if image not in leave_out}
    if leave_out:
        _log.info(f"{len(jpegs) - len(kept)} of {len(jpegs)} photographs are left out")
    rng = np.random.default_rng(seed)
    prepared, agreement = osie.prepare(kept, points, sigma_px, splits, rng, name)
    store.write_photographs(photographs, prepared)
    agreement.insert(0, "attention", name)
    store.write_table(ceilings, agreement)
    summary = agreement.groupby(["map_kind", "ceiling_name"])["value"].describe()
    _log.info(f"ceilings over photographs:\n{summary.to_string()}")


if __name__ == "__main__":
    job.run(main, snakemake)
