"""Windows and controls: what one job predicts."""

import numpy as np
import pytest

from itcortex.data.recordings import Recording
from itcortex.encoding.targets import (
    SHUFFLING,
    choose_targets,
    shuffled_responses,
    shuffled_targets,
    shuffling,
    stack_targets,
    sweep_windows,
)  # fmt: skip
from itcortex.errors import UserError
from itcortex.mappings.folds import assign_folds


def recording(n_ms, ms_start=0, ms_bin=1, images=5):
    rng = np.random.default_rng(0)
    return Recording(
        rng.standard_normal((images, 2, 3, n_ms, 4)).astype("float32"),
        tuple(f"i{k}" for k in range(images)),
        tuple("wxyz"),
        {"ms_start": ms_start, "ms_bin": ms_bin},
    )


def test_sweep_covers_all_that_was_recorded():
    found = sweep_windows(recording(300), 40, 20)
    assert found[0] == (0, 40)
    assert found[-1] == (260, 300)
    assert len(found) == 14
    assert sweep_windows(recording(30, ms_start=-50, ms_bin=10), 40, 100)[0] == (-50, -10)


def test_sweep_that_does_not_fit_the_bins_is_refused():
    with pytest.raises(UserError, match=r"step_ms: 25 is no multiple.*10 ms"):
        sweep_windows(recording(30, ms_bin=10), 40, 25)


def test_main_window_comes_first_and_is_not_repeated():
    targets = choose_targets(recording(100), [20, 60], {"width_ms": 40, "step_ms": 20})
    assert [(t.window, t.control, t.main) for t in targets] == [
        ((20, 60), "none", True),
        ((0, 40), "none", False),
        ((40, 80), "none", False),
        ((60, 100), "none", False),
    ]


def test_any_list_of_windows_can_be_given():
    targets = choose_targets(recording(100), [20, 60], [[0, 100], [20, 60], [90, 95]])
    assert [t.window for t in targets] == [(20, 60), (0, 100), (90, 95)]
    assert len(choose_targets(recording(1), [20, 60], [[0, 100]])) == 1


def test_without_time_there_is_one_window_and_its_control():
    timeless = recording(1)
    targets = choose_targets(timeless, [20, 60], {"width_ms": 40, "step_ms": 20})
    assert choose_targets(timeless, None, []) == targets
    targets += shuffled_targets(targets[0], 1)
    assert [(t.window, t.control) for t in targets] == [(None, "none"), (None, "shuffled_images")]
    stacked = stack_targets(timeless, targets, np.random.default_rng(0))
    np.testing.assert_array_equal(stacked[0], timeless.responses[:, :, :, 0])


def test_shuffling_moves_every_image_and_loses_none():
    recorded = recording(60, images=7)
    (main, *_) = choose_targets(recorded, [0, 40], {"width_ms": 40, "step_ms": 20})
    stacked = stack_targets(recorded, [main, *shuffled_targets(main, 1)], np.random.default_rng(3))
    plain, shuffled = stacked
    np.testing.assert_allclose(plain, recorded.responses[:, :, :, :40].mean(3), atol=1e-6)
    origin = [int(np.argmin([np.abs(s - p).sum() for p in plain])) for s in shuffled]
    assert sorted(origin) == list(range(7))
    assert all(k != source for k, source in enumerate(origin))


def test_every_permutation_is_another_one_and_has_its_number():
    recorded = recording(60, images=9)
    (main, *_) = choose_targets(recorded, [0, 40], {"width_ms": 40, "step_ms": 20})
    targets = shuffled_targets(main, 20)
    assert [target.permutation for target in targets] == list(range(1, 21))
    stacked = stack_targets(recorded, targets, np.random.default_rng(3))
    assert len({values.tobytes() for values in stacked}) == 20
    one_by_one = shuffled_responses(recorded, targets, np.random.default_rng(3))
    np.testing.assert_array_equal(np.stack([*one_by_one]), stacked)


def test_shuffling_knows_nothing_of_the_folds():
    """Drawn from the seed of the folds, every image got the responses of the fold before."""
    ids = tuple(f"i{k:03d}" for k in range(60))
    fold_of = assign_folds(ids, 10, np.random.default_rng(7))

    def folds_before(rng):
        return ((fold_of - fold_of[shuffling(ids, rng)]) % 10 == 1).mean()

    assert folds_before(np.random.default_rng(7)) == 1
    # one of ten by chance; 60 images: standard error .04
    assert folds_before(np.random.default_rng([7, SHUFFLING])) < 0.25


def test_no_image_gets_the_responses_of_its_twin(rng):
    pictures = [f"p{k % 6}" for k in range(12)]
    for _ in range(50):
        moved = shuffling(pictures, rng)
        assert sorted(moved) == list(range(12))
        assert all(pictures[k] != pictures[other] for k, other in enumerate(moved))
    with pytest.raises(UserError, match="more than half of the images show one picture"):
        shuffling(["a", "a", "a", "b"], rng)
