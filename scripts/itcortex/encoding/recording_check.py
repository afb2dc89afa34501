"""Does it make sense to score networks on a recording? What there is, and what is wrong with it.

Everything here is read off the recording, its pictures and the settings alone: no network is needed.
What follows is a list of problems, each with its remedy; those that `stop` leave nothing to be scored.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pandas as pd

from itcortex.data.recordings import CONFIGURED, Recording, window_average
from itcortex.data.stimuli import Stimuli, twins_of
from itcortex.encoding import site_checks
from itcortex.encoding.ceilings import FEW_SITES, FEWEST_TWINS
from itcortex.encoding.divisions import DIVISIONS, WITH_NETWORK
from itcortex.encoding.orientation import orientation_table
from itcortex.encoding.pixel_model import pixel_maps
from itcortex.encoding.protocol_ceilings import CEILINGS
from itcortex.encoding.recording_pairs import is_of_recordings
from itcortex.errors import UserError
from itcortex.mappings.folds import Division
from itcortex.numerics.metrics import FEWEST_SAMPLES, mean_defined

#: The key that errors about folds begin with.
FOLDS = "encoding: folds"
#: Folds that are recommended where there are images enough.
USUAL_FOLDS = 10
#: With a grid, up to so many pictures are left out one by one.
MOST_LEFT_OUT = 100
#: Another orientation of a grid must predict so much better (in r) to be named.
TURNED = 0.02
#: Of a recording's median split-half reliability; below it, little can be predicted.
UNRELIABLE = 0.1
_BEST_CEILINGS = (
    "split_half_bound", "internal_consistency_bound", "stated_reliability_bound", "twin_images_bound",
    "population",
)  # fmt: skip
_MOST_NAMED = 8


@dataclass(frozen=True)
class Problem:
    """What is wrong, in a sentence with names, what to do, and whether it leaves nothing to score."""

    what: str
    remedy: str
    stops: bool = False


@dataclass(frozen=True)
class Plan:
    """How an experiment means to analyse a recording.

    `further` are other divisions of its images, of `splits` and of variants in the multiverse, each
    with its `key` of the settings, `protocol` and `folds`.
    """

    protocol: str
    folds: str | int | dict
    window: tuple[float, float] | None
    ceiling: str
    splits: int
    seed: int
    further: list[dict] = field(default_factory=list)


@dataclass(frozen=True)
class Check:
    """What was found.

    Attributes
    ----------
    facts : dict of JSON values; see `docs/own_recordings.md`
    sites : data frame, a row each; see `itcortex.encoding.site_checks`
    problems : list of Problem, the worst first
    average : float64 array (image, y, x, site), the responses in the main window
    window : that window, ms, or None without time
    orientation : data frame (orientation, r), empty without a grid
    """

    facts: dict
    sites: pd.DataFrame
    problems: list[Problem]
    average: np.ndarray
    window: tuple[float, float] | None
    orientation: pd.DataFrame


def check(recording: Recording, stimuli: Stimuli, plan: Plan) -> Check:
    """Look at everything that can be wrong before a network is run."""
    problems: list[Problem] = []
    facts = _counts(recording, stimuli)
    window = recording.window_in(plan.window)
    average = _tried(lambda: window_average(recording, window), problems, "encoding: window")
    if average is None:  # the whole time stands in, so that all else can be looked at
        average, window = recording.responses.mean(3, dtype=np.float64), None
        recording = replace(recording, responses=average[:, :, :, None], trials=None, repeated=None)
    facts["recommended_folds"] = recommended_folds(recording)
    problems += _of_images(facts)
    division = _division(recording, plan, facts["recommended_folds"], problems)
    for one in plan.further:
        if not _is_by_network(one["folds"]):
            divide = partial(DIVISIONS[one["protocol"]], recording, one["folds"], plan.seed)
            _tried(divide, problems, one["key"])
    facts["ceilings"] = _ceilings(recording, window, division, plan, problems)
    facts["recommended_ceiling"] = recommended_ceiling(facts["ceilings"])
    is_later = is_of_recordings(plan.ceiling) or (
        plan.ceiling == "truth" and recording.attributes.get("simulated", False)
    )  # the responses without noise are in another file
    problems += _of_ceilings(facts, plan, len(recording.site_ids), is_later)
    sites = site_checks.table(recording, average, window, plan.splits, plan.seed)
    facts |= site_checks.facts(sites)
    problems += [Problem(*one) for one in site_checks.problems(sites, average, recording.site_ids)]
    reliability = facts["median_reliability"]
    if reliability is not None and reliability < UNRELIABLE:
        problems.append(Problem(
            f"responses hardly repeat: the median over sites of their split-half reliability is "
            f"{reliability:.2f}",
            "check that trials and names of images belong together; select reliable sites by a "
            "column of the sites, as `sites: {reliability: '>0.3'}`",
        ))  # fmt: skip
    orientation = _orientation(recording, average, stimuli, facts["recommended_folds"], plan.seed)
    facts["orientation"] = dict(
        zip(orientation["orientation"], map(_number, orientation["r"]), strict=True)
    )
    problems += _of_orientation(orientation)
    problems.sort(key=lambda problem: not problem.stops)
    return Check(facts, sites, problems, average, window, orientation)


# --- images ---------------------------------------------------------------------------------------


def _counts(recording: Recording, stimuli: Stimuli) -> dict:
    labels = recording.attributes.get("image_labels", {})
    twins = twins_of(recording.image_ids, recording.pictures)
    repeats = None
    if recording.trials is not None:
        counts = np.ones(len(recording.image_ids), int)
        recorded = np.isfinite(recording.trials).any(axis=(1, 2, 3, 4)).sum(1)
        counts[recording.with_trials] = recorded
        repeats = {
            "fewest": int(counts.min()),
            "median": float(np.median(counts)),
            "most": int(counts.max()),
        }
    kinds, split = recording.kinds, labels.get("split", [])
    return {
        "n_images": len(recording.image_ids),
        "n_pictures": len(set(recording.pictures)),
        "n_not_shown": len(stimuli.image_ids) - len(recording.image_ids),
        "n_sites": len(recording.site_ids),
        "grid": list(recording.responses.shape[1:3]) if recording.has_grid else None,
        "time": _time(recording),
        "repeats": repeats,
        "twins": [list(names) for names in twins],
        "kinds": {str(k): kinds.count(k) for k in sorted(set(kinds))}
        if len(set(kinds)) > 1
        else {},
        "split": {str(part): split.count(part) for part in sorted(set(split), key=str)},
        "left_out": recording.attributes.get("left_out", {}),
        "unit": recording.attributes.get("unit", "a.u."),
    }


def _time(recording: Recording) -> list[float] | None:
    """Start, stop and width of a bin, ms."""
    about = recording.attributes
    if not recording.has_time or about.get("ms_bin") is None:
        return None
    start, width = about.get("ms_start", 0), about["ms_bin"]
    return [start, start + width * recording.responses.shape[3], width]


def _of_images(facts: dict) -> list[Problem]:
    found = []
    if twins := facts["twins"]:
        named = "; ".join(" = ".join(names) for names in twins[:_MOST_NAMED])
        more = f"; and {len(twins) - _MOST_NAMED} more" if len(twins) > _MOST_NAMED else ""
        found.append(Problem(
            f"{sum(map(len, twins))} of {facts['n_images']} images have a twin with the same "
            f"pixels: {named}{more}",
            "nothing is wrong if they were shown twice on purpose: twins are kept in one fold",
        ))  # fmt: skip
    if facts["n_not_shown"] > 0:
        found.append(Problem(
            f"{facts['n_not_shown']} pictures were not shown, or have no response",
            "nothing to do: they are left out",
        ))  # fmt: skip
    return found


# --- folds ----------------------------------------------------------------------------------------


def recommended_folds(recording: Recording) -> str | int | None:
    """Folds that suit a recording: `image`, a number, or None where it has too few images."""
    n_pictures = len(set(recording.pictures))
    n_positions = recording.responses.shape[1] * recording.responses.shape[2]
    if n_positions >= FEWEST_SAMPLES and 3 <= n_pictures <= MOST_LEFT_OUT:
        return "image"
    most = n_pictures // -(-FEWEST_SAMPLES // n_positions)
    return min(USUAL_FOLDS, most) if most >= 3 else None


def _division(
    recording: Recording, plan: Plan, recommended: str | int | None, problems: list[Problem]
) -> Division | None:
    """What the settings ask for; if that is refused or needs a network, the recommended division."""
    if _is_by_network(plan.folds):
        return (
            None
            if recommended is None
            else DIVISIONS["corrected"](recording, recommended, plan.seed)
        )
    divide = DIVISIONS[plan.protocol]
    division = _tried(lambda: divide(recording, plan.folds, plan.seed), problems, FOLDS)
    if division is None and recommended is not None and plan.protocol != "brainscore":
        division = DIVISIONS["corrected"](recording, recommended, plan.seed)
    return division


def _is_by_network(folds: str | int | dict) -> bool:
    return isinstance(folds, dict) and folds["kind"] in WITH_NETWORK


def _tried(function: Callable, problems: list[Problem], key: str):
    """What a function returns; None, and a problem that stops, if it raises a `UserError`.

    An error about folds is one about `key`, which asks for them.
    """
    try:
        return function()
    except UserError as error:
        told = str(error)
        if told.startswith(FOLDS):
            told = key + told.removeprefix(FOLDS)
        what, _, remedy = told.rpartition("; ")
        problem = Problem(what or remedy, remedy if what else f"see {key}", stops=True)
        problems.append(problem)
        return None


# --- ceilings -------------------------------------------------------------------------------------


def _ceilings(
    recording: Recording, window, division: Division | None, plan: Plan, problems: list[Problem]
) -> dict[str, float | None]:
    """Mean over folds of every ceiling that the recording allows."""
    if division is None:
        return {}
    rng = np.random.default_rng(plan.seed)
    estimate = CEILINGS[plan.protocol]
    estimates = _tried(
        lambda: estimate(recording, window, division, plan.splits, rng, None), problems, "ceiling"
    )
    return {name: _number(mean_defined(values)) for name, values in (estimates or {}).items()}


def recommended_ceiling(ceilings: dict[str, float | None]) -> str | None:
    """The ceiling to divide by: of single trials, else of twins, else of other sites; or None."""
    for name in _BEST_CEILINGS:
        if ceilings.get(name) is not None:
            return name
    return None


def _of_ceilings(facts: dict, plan: Plan, n_sites: int, is_later: bool) -> list[Problem]:
    """Problems with the ceiling that is asked for; nothing of one that `is_later` known."""
    known, best = facts["ceilings"], facts["recommended_ceiling"]
    found = []
    if known and plan.ceiling not in known and not is_later:
        what = f"the recording has no ceiling {plan.ceiling!r}; it has {', '.join(known)}"
        remedy = f"set `ceiling: {{name: {best}}}`" if best else "record repeats, or more sites"
        found.append(Problem(what, remedy, stops=True))
    elif plan.ceiling == "population" and best and best != "population":
        what = "scores are divided by the ceiling population, which is no upper bound"
        found.append(Problem(what, f"set `ceiling: {{name: {best}}}`"))
    if n_sites < FEW_SITES and plan.ceiling in ("population", "best_pair"):
        what = f"{n_sites} sites predict little of each other: the ceiling {plan.ceiling} is far too low"
        remedy = (
            f"record repeats, or at least {FEWEST_TWINS} twins; or look at r itself "
            "(`statistics: {score: r}`)"
        )
        found.append(Problem(what, remedy))
    return found


# --- orientation ----------------------------------------------------------------------------------


def _orientation(
    recording: Recording, average: np.ndarray, stimuli: Stimuli, folds: str | int | None, seed: int
) -> pd.DataFrame:
    """Predictivity of the pixels themselves under all eight orientations of the grid."""
    if not recording.has_grid or folds is None:
        return pd.DataFrame({"orientation": pd.Series(dtype=str), "r": pd.Series(dtype=float)})
    index = {name: k for k, name in enumerate(stimuli.image_ids)}
    images = stimuli.images[[index[name] for name in recording.image_ids]]
    maps = pixel_maps(images, average.shape[1:3])
    division = DIVISIONS["corrected"](recording, folds, seed)
    return orientation_table(maps, average, division, maps.shape[3])


def _of_orientation(orientation: pd.DataFrame) -> list[Problem]:
    if not orientation["r"].notna().any():
        return []
    best = orientation.loc[orientation["r"].idxmax()]
    configured = orientation.set_index("orientation")["r"][CONFIGURED]
    if best["orientation"] == CONFIGURED or not best["r"] > configured + TURNED:
        return []
    return [Problem(
        f"the grid seems to be turned: brightness and contrast of the pictures predict it with r = "
        f"{configured:.2f} as it is and {best['r']:.2f} if {best['orientation']}",
        f"look at the maps; if they show it too, write `orientation: {best['orientation']}` into "
        "the recording's entry",
    )]  # fmt: skip


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
