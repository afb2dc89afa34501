"""What jobs ask for, by numbers: sizes of networks, images and files, and the attempt."""

from dataclasses import replace
from math import nan

import pytest

from itcortex.mappings.banded import BANDS
from itcortex.training import cost
from itcortex.workflow import resources

SMALL, LARGE, UNKNOWN = (5.0, 224), (300.0, 448), (nan, nan)


def requests_of(params_m, side_px):
    """Everything that a network's size decides."""
    seconds = resources.seconds_an_image(params_m, side_px, on_gpu=False)
    maps_mb = resources.EXTRACTION_MAPS_MB
    return (
        resources.network_mem_mb(params_m, side_px, maps_mb, 16, 1),
        resources.fetching_mem_mb(params_m, 1),
        resources.extraction_minutes(50, seconds, 1),
        resources.saliency_minutes(seconds, 1),
    )


def test_memory_and_time_grow_with_the_network():
    small, unknown, large = (requests_of(*size) for size in (SMALL, UNKNOWN, LARGE))
    assert all(one < other for one, other in zip(small, large, strict=True))
    assert all(one <= other for one, other in zip(small, unknown, strict=True))
    assert large[0] == 600 + 8 * 300 + 80 * 16 * 4


def test_a_small_network_asks_for_what_is_left_of_2_gb():
    assert requests_of(*SMALL)[:2] == (1920, 1900)
    assert resources.network_mem_mb(5.0, 224, 80, 1, 1) == 1900


def test_time_of_images_is_twice_what_is_measured_and_a_30th_on_a_gpu():
    """50 images of 300 million weights at four times the area: 12 s each on a core."""
    seconds = resources.seconds_an_image(*LARGE, on_gpu=False)
    assert seconds == pytest.approx(12)
    assert resources.extraction_minutes(50, seconds, 1) == 30 + 2 * 50 * 12 // 60
    assert resources.seconds_an_image(*LARGE, on_gpu=True) == pytest.approx(12 / 30)
    assert resources.saliency_minutes(seconds, 1) == 60 + 3 * 1000 * 12 // 60
    assert resources.saliency_minutes(seconds, 1, covering=7) == 60 + (3 + 49) * 1000 * 12 // 60


def test_encoding_asks_by_the_size_of_its_activations():
    assert resources.encoding_mem_mb(4000, 1) == 2600
    assert resources.encoding_minutes(4000, 1) == 180
    assert resources.encoding_mem_mb(1, 1) == 1900


TVSD = resources.RidgeSize(22_348, (8600,) * 10, 1024, 1, 20, 20, 4)
TRIPLEN = resources.RidgeSize(1000, (12_544, 50_176, 100_352), 21_059, 5, 20, 20, 8)


def test_ridge_asks_for_less_than_its_bounds():
    """8 GB at TVSD's size, 4 GB at Triple-N's; double precision and more folds take more."""
    assert 4000 < resources.ridge_mem_mb(TVSD, 1) < 8000
    assert resources.ridge_mem_mb(TRIPLEN, 1) < 4000
    double, folds = replace(TVSD, value_bytes=8), replace(TVSD, splits=5)
    assert resources.ridge_mem_mb(TVSD, 1) < resources.ridge_mem_mb(double, 1)
    more = resources.ridge_mem_mb(folds, 1) - resources.ridge_mem_mb(TVSD, 1)
    assert more == pytest.approx(4 * 8600**2 * 4 / 1e6, abs=2)  # products of five folds for one's
    assert resources.ridge_mem_mb(folds, 1) < 8000
    assert resources.ridge_minutes(TVSD, 1) < resources.ridge_minutes(double, 1)
    assert (
        3 < (resources.ridge_minutes(folds, 1) - 30) / (resources.ridge_minutes(TVSD, 1) - 30) < 5
    )


def test_two_networks_together_ask_for_the_features_of_both():
    """Of TVSD's size 8,583 projected features each: five matrices of 17,166 x 17,166, 1.2 GB each."""
    pair = replace(TVSD, features=(8583, 8583), sites=512, penalties=9, shuffles=0)
    assert 12_000 < resources.variance_mem_mb(pair, 1) < 15_000
    double = replace(pair, value_bytes=8)
    assert 21_000 < resources.variance_mem_mb(double, 1) < 26_000
    assert resources.variance_mem_mb(pair, 1) > 2 * resources.ridge_mem_mb(pair, 1)
    one = replace(pair, features=(8583,))
    assert (
        20
        < (resources.variance_minutes(pair, 1) - 30) / (resources.ridge_minutes(one, 1) - 30)
        < 45
    )
    # with more features than images it is the images that count
    wide = replace(pair, rows=1000, features=(50_176, 50_176))
    assert resources.variance_mem_mb(wide, 1) < 2500


def test_every_joint_fit_is_counted():
    assert len(BANDS) == resources.JOINT_FITS


IT, SMALL_PAIR = (replace(TRIPLEN, features=(8242,), value_bytes=4),
                  resources.RidgeSize(1200, (59,), 50, 10, 9, 20, 8))  # fmt: skip


def test_recordings_that_predict_each_other_ask_by_their_sizes():
    """Measured: 1,000 images, 6,000 sites from 1,500 took .8 GB; a small session is one of 2 GB."""
    others_mb = 8 * 1000 * 8242 / 1e6
    assert 3000 < resources.pairs_mem_mb(IT, others_mb, 1) < 8000
    assert resources.pairs_mem_mb(SMALL_PAIR, 1, 1) == resources.LEAST_MB
    assert resources.pairs_mem_mb(IT, 10 * others_mb, 1) > resources.pairs_mem_mb(IT, others_mb, 1)
    one, two = (resources.pairs_minutes([IT] * n, 5, 1) for n in (1, 2))
    assert (two - 60) / (one - 60) == pytest.approx(2, rel=0.02) and one > 60
    assert resources.pairs_minutes([SMALL_PAIR], 5, 1) < 70
    assert resources.comparison_mem_mb(1200 * 50, 1) == resources.LEAST_MB
    # the responses and predictions of Triple-N's IT alone are .25 GB of it
    assert resources.comparison_mem_mb(1000 * 21_059, 2) > resources.comparison_mem_mb(1, 1)
    assert resources.comparison_mem_mb(22_348 * 21_059, 1) > 8000
    assert resources.comparison_minutes(22_348 * 512, 135, 1) > 60 + 135 * 5 // 60


@pytest.mark.parametrize(
    "ask",
    [
        lambda n: resources.rising(30)(None, n),
        lambda n: resources.encoding_mem_mb(4000, n),
        lambda n: resources.ridge_mem_mb(TVSD, n),
        lambda n: resources.pairs_mem_mb(TVSD, 1, n),
        lambda n: resources.comparison_mem_mb(10**9, n),
        lambda n: resources.extraction_minutes(50, 12.0, n),
        lambda n: resources.fetching_mem_mb(300.0, n),
    ],
)
def test_every_attempt_asks_for_more_up_to_the_fourth(ask):
    """A preempted job is tried many times: the fiftieth must still fit somewhere."""
    once = ask(1)
    assert [ask(n) // once for n in (1, 2, 3, 4, 50)] == [1, 2, 3, 4, 4]


def test_a_training_asks_for_what_is_estimated():
    estimated = cost.Cost(
        hours_low=5, hours_high=10, loading_hours=1, gpu_gb=20, host_mb=15000
    )  # fmt: skip
    first = resources.training_minutes(estimated, False, 1)
    assert first == 60 * (1.1 * 10 + 0.5)
    assert resources.training_minutes(estimated, False, 50) == 60 * (1.1 * 10 + 0.5) * 4
    assert [resources.training_mem_mb(estimated, n) for n in (1, 2)] == [15000, 30000]


def test_a_training_of_unknown_cost_asks_for_a_day_and_no_more():
    """It goes on where its limit ended it; more days than a partition has would wait for ever."""
    assert {resources.training_minutes(None, False, n) for n in (1, 2, 50)} == {1440}
    assert [resources.training_minutes(None, True, n) for n in (1, 2)] == [120, 240]
    assert resources.training_mem_mb(None, 1) == 1900
