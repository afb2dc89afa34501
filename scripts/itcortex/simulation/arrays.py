"""Simulated arrays with planted truth, in the archive format of the published recordings.

A simulated site reads a few channels of one layer of a teacher network at every position of the
grid, blurred by its receptive field, and fires Poisson spikes with a time course like IT's. What
it reads, with which weights, and its rate without noise are known, so that every later stage can
be checked against them. Recordings made here are always called simulated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.ndimage import gaussian_filter

from itcortex.errors import UserError
from itcortex.numerics.resample import resize_maps
from itcortex.running.progress import bar

RISE_MS, DECAY_MS, SUSTAINED = 10.0, 50.0, 0.4  # shape of the time course
LATENCY_SD_MS = 8.0


# --- planted truth --------------------------------------------------------------------------------


@dataclass(frozen=True)
class SimulatedArray:
    """Planted truth of one simulated array.

    Attributes
    ----------
    weights : float64 array (channel, site)
        Weight of every z-scored channel of the teacher's layer; zero where it is not read.
    drive : float64 array (image, y, x, site)
        What a site reads, blurred by its receptive field, standardised over images and positions.
    amplitude : float64 array (image, y, x, site)
        Evoked rate at the peak of the time course, spikes/s: max(0, mean + gain * drive).
    time_course : float64 array (ms, site)
        Evoked rate in bins of 1 ms from stimulus onset, as a fraction of its peak.
    latency : float64 array (site,)
        Onset of the response, ms.
    baseline : float
        Rate without a stimulus, spikes/s.
    """

    weights: np.ndarray
    drive: np.ndarray
    amplitude: np.ndarray
    time_course: np.ndarray
    latency: np.ndarray
    baseline: float

    def rate(self, start: int, stop: int) -> np.ndarray:
        """Noise-free mean rate (image, y, x, site), spikes/s, in the window [start, stop) ms."""
        return self.baseline + self.amplitude * self.time_course[start:stop].mean(axis=0)

    def named(self, name: str) -> dict[str, np.ndarray]:
        """The truth as arrays called `{name}/{attribute}`, to be kept beside the archive.

        With them goes `{name}/rate` (image, y, x, site), the mean over all recorded time. Within
        a site the rate of any window is a linear function of it: the same correlations.
        """
        values = vars(self) | {"rate": self.rate(0, len(self.time_course))}
        return {f"{name}/{key}": np.asarray(value) for key, value in values.items()}

    @classmethod
    def from_named(cls, arrays: dict[str, np.ndarray], name: str) -> "SimulatedArray":
        """The truth of one array out of the arrays that `named` gave."""
        values = {key.name: arrays[f"{name}/{key.name}"] for key in fields(cls)}
        return cls(**{**values, "baseline": float(values["baseline"])})


def simulate_array(
    features: np.ndarray, grid: Sequence[int], n_sites: int, rng: np.random.Generator, *,
    rf_sigma: float = 1.0, n_channels: int = 12, latency_ms: float = 100.0, duration_ms: int = 300,
    baseline: float = 5.0, mean: float = 45.0, gain: float = 22.0,
) -> SimulatedArray:  # fmt: skip
    """Plant an array of `n_sites` that read a teacher's layer over a grid (y, x).

    `features` (image, h, w, channel) are the layer's activations at its own resolution. All sites
    read the same `n_channels` channels, chosen at random, each with its own Gaussian weights: sites
    of one array share their tuning, so that they can predict each other. `rf_sigma` is the
    receptive field's, in steps of the grid; `mean` and `gain` are the evoked rate's mean and
    standard deviation over images and positions, spikes/s at the peak of the time course.

    Raises `UserError` if the layer has fewer than `n_channels` channels that vary.
    """
    maps = resize_maps(features, tuple(grid))
    weights = _choose_weights(maps, n_channels, n_sites, rng)
    read = np.flatnonzero(weights.any(axis=1))
    z_scored = maps[..., read] - maps[..., read].mean(axis=(0, 1, 2))
    z_scored /= z_scored.std(axis=(0, 1, 2))
    drive = gaussian_filter(z_scored @ weights[read], (0, rf_sigma, rf_sigma, 0), mode="nearest")
    drive -= _border_effect(drive)
    drive = (drive - drive.mean(axis=(0, 1, 2))) / drive.std(axis=(0, 1, 2))
    latency = np.maximum(latency_ms + LATENCY_SD_MS * rng.standard_normal(n_sites), 0)
    return SimulatedArray(
        weights=weights,
        drive=drive,
        amplitude=np.maximum(0, mean + gain * drive),
        time_course=time_course(latency, duration_ms),
        latency=latency,
        baseline=baseline,
    )


def _choose_weights(
    maps: np.ndarray, n_channels: int, n_sites: int, rng: np.random.Generator
) -> np.ndarray:
    """Gaussian weights (channel, site) on `n_channels` channels that vary, the same for all sites."""
    deviation = maps.std(axis=(0, 1, 2))
    varying = np.flatnonzero(deviation > 1e-6 * max(deviation.max(), 1e-30))
    if len(varying) < n_channels:
        raise UserError(
            f"the teacher's layer has {len(varying)} channels that vary over images and positions; "
            f"simulated sites read {n_channels}: choose another layer or fewer channels"
        )
    weights = np.zeros((maps.shape[3], n_sites))
    read = np.sort(rng.choice(varying, n_channels, replace=False))
    weights[read] = rng.standard_normal((n_channels, n_sites))
    return weights


def _border_effect(drive: np.ndarray) -> np.ndarray:
    """What all images share at a position and its mirror images, (y, x, site).

    A network's maps show where the image ends (zero padding), whatever it shows. Sites do not:
    with that effect left in, they would be predicted in part by the maps of any other image.
    """
    shared = drive.mean(axis=0)
    return np.mean([shared[::up, ::left] for up in (1, -1) for left in (1, -1)], axis=0)


def time_course(latency: np.ndarray, duration_ms: int) -> np.ndarray:
    """IT-like time course (ms, site) with peak 1: a transient that decays to a sustained part.

    Zero until the site's latency, then (1 - exp(-t / rise)) (s + (1 - s) exp(-t / decay)), taken
    in the middle of every bin of 1 ms.
    """

    def shape(t):
        onset = -np.expm1(-np.maximum(t, 0) / RISE_MS)
        return onset * (SUSTAINED + (1 - SUSTAINED) * np.exp(-np.maximum(t, 0) / DECAY_MS))

    since_onset = np.arange(duration_ms)[:, None] + 0.5 - latency
    return shape(since_onset) / shape(np.arange(0, 200, 0.01)).max()


# --- noise ----------------------------------------------------------------------------------------


def record(arrays: Sequence[SimulatedArray], repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Repeat-averaged responses (image, y, x, ms, site) float32, spikes/s, of arrays side by side.

    Spike counts in 1 ms are Poisson; the counts of `repeats` presentations add up to a Poisson
    count again, which is drawn at once. The arrays' sites follow each other along the last axis.

    Raises `UserError` if the arrays differ in images, grid or duration.
    """
    shapes = {(*array.amplitude.shape[:3], len(array.time_course)) for array in arrays}
    if len(shapes) > 1:
        raise UserError(
            f"arrays of one recording need one grid (image, y, x, ms); got {sorted(shapes)}"
        )
    n_images, n_y, n_x, n_ms = shapes.pop()
    amplitude = np.concatenate([array.amplitude for array in arrays], axis=3)
    course = np.concatenate([array.time_course for array in arrays], axis=1)
    baseline = np.repeat([a.baseline for a in arrays], [a.amplitude.shape[3] for a in arrays])
    # Laid out as MATLAB will store it (y fastest, image slowest), to be written without a shuffle.
    stored = np.empty((n_images, amplitude.shape[3], n_ms, n_x, n_y), dtype=np.float32)
    for image in bar(range(n_images), "simulate", unit="image"):
        evoked = amplitude[image].T[:, None] * course.T[:, :, None, None]
        expected = (evoked + baseline[:, None, None, None]) * (repeats / 1000)
        stored[image] = rng.poisson(expected) * np.float32(1000 / repeats)
    return stored.transpose(0, 4, 3, 2, 1)
