"""The measures that conditions are compared by, from the tables of an experiment."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from itcortex.tables.condition_scores import Drawn, MeanOf, OfPhotographs, Scores
from itcortex.tables.condition_sites import Layered, SiteScores
from itcortex.tables.model_pairs import Sites
from itcortex.tables.statistics import ONE_TEST
from itcortex.tables.summary import SITEWISE

#: Measures of recordings: means over sites of paired differences, but the last. Over the ceiling; at the
#: layers that strength 0 chose; within kinds of image; the published score, whose medians are compared.
WITHIN_KINDS = "r_within_kinds"
OF_SITES = ("r", "r_over_ceiling", "r_same_layer", WITHIN_KINDS, "r_median")
#: Measures of an attention set by the columns of its scores.
OF_ATTENTION = {"attention": "rho", "attention_partial": "rho_partial"}
#: Measures of a network's answers by the columns of what it answers beside what it did before training.
OF_ANSWERS = {"agreement": "same", "divergence": "divergence"}


def of_recordings(
    tests: Iterable[Mapping[tuple, Layered]], summary: pd.DataFrame, draws: int,
    rng: np.random.Generator, baselines: Mapping[str, str],
) -> Iterator[Scores]:  # fmt: skip
    """Predictivity of every recording, and of every area of several: the measures of `OF_SITES`.

    Parameters
    ----------
    tests : of each recording the scores of its tests (recording, mapping, protocol).
    summary : for ceilings and areas. A test without a positive ceiling has raw scores alone.
    baselines : {network: its strength 0}, both as "model weights".
    """
    main = summary[summary["main_window"].astype(bool) & (summary["control"] == "none")]
    first = main.drop_duplicates(ONE_TEST).set_index(ONE_TEST)
    of_areas: dict[tuple, list[tuple[Scores, bool]]] = {}
    for of_recording in tests:
        for test, scored in of_recording.items():
            ceiling = first["ceiling"].get(test, np.nan) if test[1] in SITEWISE else np.nan
            area = str(first["area"].get(test, ""))
            for measure, found in _of_test(test, scored, ceiling, draws, rng, baselines).items():
                own = measure != WITHIN_KINDS or bool(scored.kinds)
                if own:
                    yield found
                of_areas.setdefault((measure, area, *test[1:]), []).append((found, own))
    yield from _of_areas(of_areas)


def _of_test(
    test: tuple, scored: Layered, ceiling: float, draws: int, rng: np.random.Generator,
    baselines: Mapping[str, str],
) -> dict[str, Scores]:  # fmt: skip
    """All measures of a test; within kinds those of r where there is one kind."""
    named = dict(zip(("target", "mapping", "protocol"), test, strict=True))
    chosen = scored.of_chosen()
    plain = {name: r[0] for name, r in chosen.items()}
    r = SiteScores.of(plain, draws, rng, {"measure": "r"} | named)
    found: dict[str, Scores] = {"r": r}
    if ceiling > 0:
        found["r_over_ceiling"] = r.scaled(1 / ceiling, measure="r_over_ceiling")
    fixed = scored.of_baselines(baselines)
    if fixed:
        found["r_same_layer"] = r.with_values(fixed, measure="r_same_layer")
    kinds = {name: r[1:] if scored.kinds else r for name, r in chosen.items()}
    found[WITHIN_KINDS] = r.with_values(kinds, measure=WITHIN_KINDS)
    medians = Sites.drawing([*plain], np.array([*plain.values()]), draws, rng)
    found["r_median"] = Drawn.of_sites(medians, {"measure": "r_median"} | named)
    return found


def _of_areas(of_areas: Mapping[tuple, list[tuple[Scores, bool]]]) -> Iterator[Scores]:
    """Means over the recordings of an area, where there are several.

    Recordings of one kind of image are part of a mean within kinds where another one has several.
    """
    for (measure, area, mapping, protocol), found in of_areas.items():
        parts = [scores for scores, _ in found]
        if len(parts) > 1 and area and any(own for _, own in found):
            about = {"measure": measure, "target": area, "mapping": mapping, "protocol": protocol}
            n_sites = sum(part.about["n_sites"] for part in parts)
            about |= {"n_targets": len(parts), "n_sites": n_sites, "drawn": parts[0].about["drawn"]}
            yield MeanOf(about, parts)


def of_rdms(layers: pd.DataFrame, drawn: pd.DataFrame, pattern: str) -> Iterator[Scores]:
    """Similarity of the chosen layer with every set of RDMs; images are drawn.

    Parameters
    ----------
    layers, drawn : what rule compare_rdms wrote of all networks, as tables one below the other.
    pattern : of a layer, `map` or `pooled`.
    """
    of_networks = layers[layers["final"] & (layers["pattern"] == pattern)]
    drawn = drawn[drawn["pattern"] == pattern]
    for rdm, rows in of_networks.groupby("rdm", sort=False):
        values = dict(zip(_names(rows), rows["rho_chosen_held_out"], strict=True))
        some = drawn[drawn["rdm"] == rdm].sort_values("draw", kind="stable")
        by_network = some.groupby(_names(some), sort=False)["rho"]
        draws = {name: rho.to_numpy(float) for name, rho in by_network}
        about = {"measure": "rsa", "target": str(rdm), "drawn": "images"}
        yield Drawn(about | {"n_images": int(rows["n_images"].iloc[0])}, values, draws)


def of_attention(
    scores: pd.DataFrame, draws: int, rng: np.random.Generator
) -> Iterator[OfPhotographs]:
    """Agreement with human maps, plain and beyond the usual places; photographs are drawn.

    `scores` are those of rule score_attention, of all networks. All kinds of map and saliency of a set
    have the same draws.
    """
    real = scores[scores["control"] == "none"]
    for attention, of_set in real.groupby("attention", sort=False):
        counts = None
        for (kind, saliency), rows in of_set.groupby(["map_kind", "saliency"], sort=False):
            for measure, column in OF_ATTENTION.items():
                about = {"measure": measure, "target": str(attention)}
                about |= {"map_kind": str(kind), "saliency": str(saliency)}
                found = OfPhotographs.of_table(rows, column, draws, rng, about, counts)
                counts = found.counts
                yield found


def of_answers(
    answers: pd.DataFrame, draws: int, rng: np.random.Generator
) -> Iterator[OfPhotographs]:
    """What fine-tuning changed in a network's own answers; photographs are drawn, alike for both.

    `answers` are what rule compare_answers wrote of all networks, as tables one below the other. Two
    files may each have a photograph of one name: they are told apart by their order in validation.
    """
    times = answers.groupby(["model", "weights", "image"], observed=True).cumcount()
    answers = answers.assign(image=answers["image"].astype(str) + " " + times.astype(str))
    counts = None
    for measure, column in OF_ANSWERS.items():
        about = {"measure": measure}
        found = OfPhotographs.of_table(answers, column, draws, rng, about, counts)
        counts = found.counts
        yield found


def _names(rows: pd.DataFrame) -> pd.Series:
    return rows["model"].astype(str) + " " + rows["weights"].astype(str)
