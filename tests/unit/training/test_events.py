"""TensorBoard event files of a training: what is in them, also when it was stopped and went on."""

import math
import sys
from types import ModuleType

import pytest

from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.training import events
from itcortex.training.distributed import Group
from itcortex.training.interruption import StoppedError
from itcortex.training.plan import Data, Place, Plan
from itcortex.training.recipe import Recipe
from itcortex.training.train import identity_of, train
from itcortex.training.trainer import Trainer
from made.training import Interrupted, arrays, network, same

pytestmark = [pytest.mark.network, pytest.mark.process]

RECIPE = Recipe(epochs=4, batch_size=16, warmup_epochs=1, learning_rate=0.1, map_share=0.5)
CLOCK = {"epoch/seconds", "epoch/images_per_s", "epoch/waiting"}


class Writer:
    """Stands for TensorBoard's: values by folder and curve."""

    folders: dict = {}  # noqa: RUF012 (emptied by the fixture)

    def __init__(self, folder, purge_step):
        self.curves = self.folders.setdefault(folder, {})
        for curve in self.curves.values():  # as TensorBoard does when it finds a restart
            for step in [step for step in curve if step >= purge_step]:
                del curve[step]
        self.waiting, self.closed = [], False

    def add_scalar(self, name, value, step):
        assert not self.closed
        self.waiting.append((name, value, step))

    def flush(self):
        for name, value, step in self.waiting:
            curve = self.curves.setdefault(name, {})
            assert step not in curve
            curve[step] = value
        self.waiting.clear()

    def close(self):
        self.flush()
        self.closed = True


@pytest.fixture
def curves(monkeypatch):
    """What was written, by folder; the package counts as installed."""
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(events, "find_spec", lambda _name: True)
    monkeypatch.setattr(Writer, "folders", {})
    return Writer.folders


def run(folder, tensorboard=None, reads=0):
    """A training of 24 steps, 6 an epoch, that is perhaps asked to stop."""
    labelled = arrays(48, 0, mapped=False)
    data = Data(Interrupted(labelled, reads), arrays(48, 1), arrays(12, 2))
    plan = Plan(Network(**network()), RECIPE, 1.0, 0)
    return train(plan, data, Place(folder, checkpoint_steps=4, tensorboard=tensorboard))


def test_the_history_and_every_tenth_step_are_written(tmp_path, curves):
    trained = run(tmp_path / "state", tmp_path / "events")
    written = curves[str(tmp_path / "events")]
    for name, values in trained.table().items():
        if name in ("step", "strength", "seed", "kept"):
            continue
        wanted = dict(zip((6, 12, 18, 24), values, strict=True))
        assert written[f"epoch/{name}"] == wanted, name
    names = {name for name in written if name.startswith("step/")}
    assert names == {f"step/{name}" for name in events.CURVES if name != "agreement"}
    assert all(sorted(written[name]) == [10, 20] for name in names)
    parts = [written[f"step/{name}"][10] for name in ("cross_entropy", "harmonization", "decay")]
    assert written["step/loss"][10] == pytest.approx(sum(parts))  # strength 1
    assert math.isfinite(written["step/gradient_norm"][20])


def test_a_training_that_goes_on_writes_what_one_that_did_not_would(tmp_path, curves):
    run(tmp_path / "a", tmp_path / "whole")
    for reads in (60, 100):  # within the second epoch, and the third
        with pytest.raises(StoppedError):
            run(tmp_path / "b", tmp_path / "parts", reads)
    run(tmp_path / "b", tmp_path / "parts")
    whole, parts = (curves[str(tmp_path / name)] for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert {n: c for n, c in whole.items() if n not in CLOCK} == {
        n: c for n, c in parts.items() if n not in CLOCK
    }


def test_a_killed_training_leaves_no_steps_that_never_were(tmp_path, curves, monkeypatch):
    """A step after the last checkpoint is written, lost, and done again."""
    monkeypatch.setattr(events, "EVERY", 1)
    run(tmp_path / "a", tmp_path / "whole")
    loss, count = events.Events.step, [0]

    def fall(self, row):
        loss(self, row)
        self.flush()
        count[0] += 1
        if count[0] == 11:  # three after the checkpoint of step 8
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(events.Events, "step", fall)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "b", tmp_path / "parts")
    parts = curves[str(tmp_path / "parts")]
    assert max(parts["step/loss"]) == 11
    run(tmp_path / "b", tmp_path / "parts")
    assert parts["step/loss"] == curves[str(tmp_path / "whole")]["step/loss"]


def test_event_files_are_no_part_of_a_training(tmp_path, curves):
    with_events, without = run(tmp_path / "a", tmp_path / "events"), run(tmp_path / "b")
    assert same(with_events.state, without.state) and list(curves) == [str(tmp_path / "events")]
    assert with_events.identity == without.identity
    with pytest.raises(StoppedError):
        run(tmp_path / "c", None, 60)
    assert same(run(tmp_path / "c", tmp_path / "events").state, without.state)  # turned on later


def test_a_missing_package_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(events, "find_spec", lambda _name: None)
    with pytest.raises(UserError, match=r"tensorboard: .* not installed: pip install tensorboard"):
        run(tmp_path / "state", tmp_path / "events")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_a_message_and_the_checkpoint_stays(tmp_path, curves, monkeypatch):
    with pytest.raises(StoppedError):
        run(tmp_path / "state", None, 60)
    before = (tmp_path / "state" / "training.safetensors").read_bytes()

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "flush", full)
        with pytest.raises(UserError, match=r"events: event files cannot be written .*No space"):
            run(tmp_path / "state", tmp_path / "events")
    assert (tmp_path / "state" / "training.safetensors").read_bytes() != before  # it came further
    assert same(run(tmp_path / "state").state, run(tmp_path / "whole").state)


def test_tensorboard_reads_them(tmp_path):
    """The package itself."""
    from tensorboard.backend.event_processing import event_accumulator as accumulator

    with pytest.raises(StoppedError):
        run(tmp_path / "state", tmp_path / "events", 60)
    trained = run(tmp_path / "state", tmp_path / "events")
    found = accumulator.EventAccumulator(str(tmp_path / "events"))
    found.Reload()
    points = [(event.step, event.value) for event in found.Scalars("epoch/validation_accuracy")]
    wanted = trained.table()["validation_accuracy"]
    assert [step for step, _ in points] == [6, 12, 18, 24]
    values = [value for _, value in points]
    assert values == pytest.approx(list(wanted), rel=1e-6)  # kept as float32
    assert [event.step for event in found.Scalars("step/loss")] == [10, 20]


def test_only_the_first_process_writes(tmp_path):
    data = Data(arrays(48, 0, mapped=False), arrays(48, 1), arrays(12, 2))
    plan = Plan(Network(**network()), RECIPE, 1.0, 0)
    place = Place(tmp_path / "state", tensorboard=tmp_path / "events")
    first, second = (
        Trainer(Group(rank=rank), plan, data, place, identity_of(plan, data)) for rank in (0, 1)
    )
    assert (first.events.folder, second.events.folder) == (tmp_path / "events", None)
