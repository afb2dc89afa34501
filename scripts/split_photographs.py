"""Rule split_photographs: photographs to train on with the maps of each condition, and held-out ones."""

import logging

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.data import photograph_split
from itcortex.errors import choose
from itcortex.files import atomic_path
from itcortex.running import job

_log = logging.getLogger(__name__)


def main(
    whole, whole_ceilings, photographs, ceilings, split, validation, human, of_others, mean,
    name, n_held_out, map_kind, seed,
):  # fmt: skip
    """Hold `n_held_out` photographs of `whole` out as the attention set `name`; the others train.

    The held-out ones keep every kind of map and their viewers' ceilings. Training and validation see
    the maps of one kind, `map_kind`. `split` is a table (CSV) of every photograph and its part.
    """
    known = store.read_photographs(whole)
    choose(map_kind, known.maps, f"attention: {name}: held_out: maps")
    rng = np.random.default_rng(seed)
    out = photograph_split.held_out(known, n_held_out, rng, name, whole)
    held, trained = (photograph_split.part_of(known, part) for part in (out, ~out))
    store.write_photographs(photographs, held)
    agreement = store.read_table(whole_ceilings)
    kept = agreement[agreement["image"].isin(held.image_ids)].assign(attention=name)
    store.write_table(ceilings, kept.reset_index(drop=True))
    store.write_shard(validation, held, held.maps[map_kind])
    maps = photograph_split.maps_of_conditions(trained.maps[map_kind], rng)
    for condition, path in zip(photograph_split.CONDITIONS, (human, of_others, mean), strict=True):
        store.write_shard(path, trained, maps[condition])
    parts = pd.DataFrame({"image": known.image_ids, "part": np.where(out, "held_out", "train")})
    with atomic_path(split) as path:
        parts.to_csv(path, index=False)
    _log.info(f"{len(trained.image_ids)} photographs to train on, {len(held.image_ids)} held out")


if __name__ == "__main__":
    job.run(main, snakemake)
