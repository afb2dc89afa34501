"""The training loop of one process: steps, epochs, checkpoints."""

import copy
import logging
import math
import time
from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from itcortex.errors import UserError
from itcortex.harmonizer.decay import decayed_parameters
from itcortex.harmonizer.loss import LossParts, harmonizer_loss
from itcortex.running.progress import bar
from itcortex.training import checkpoint
from itcortex.training.batches import Augmented, Batch, Mixture, Steps, load_batches
from itcortex.training.distributed import Group
from itcortex.training.events import Events
from itcortex.training.growth import Bounds
from itcortex.training.history import SUMS, Clock, describe, describe_part, epoch_row, sums_of
from itcortex.training.images.samples import files_of
from itcortex.training.interruption import Stop, stop_requests
from itcortex.training.kept import kept_epoch
from itcortex.training.own_labels import OwnLabels
from itcortex.training.plan import Data, Place, Plan, new_classifier
from itcortex.training.precision import matmul_precision
from itcortex.training.recipe import Recipe, learning_rate
from itcortex.training.validation import judge
from itcortex.weights.state import State

_log = logging.getLogger(__name__)

_STEP = 4  # stream of the random numbers inside the network (the other streams are in `batches`)
_EXTRA = ("steps", "gradient_norm")


class Trainer:
    """The state of one process of a training; `run` takes it to the end."""

    def __init__(self, group: Group, plan: Plan, data: Data, place: Place, identity: dict):
        self.group, self.plan, self.data, self.place = group, plan, data, place
        self.recipe, self.identity = plan.recipe, identity
        self.model = plan.network.build(plan.seed)
        if plan.start:
            self.model.load_state_dict(plan.start | new_classifier(plan.start, self.model))
        layout = torch.channels_last if self.recipe.channels_last else torch.contiguous_format
        self.model.to(group.device, memory_format=layout)
        self.preprocessing = plan.network.preprocessing_of(self.model)
        self.own = OwnLabels(self.model) if self.recipe.labels == "own" else None
        self.bounds = Bounds.of(self.model, self.recipe.largest_growth)
        self.average = copy.deepcopy(self.model) if self.recipe.ema else None
        self.kept: State | None = None  # of the best epoch so far, where it need not be the last
        self.optimizer = make_optimizer(self.model, self.recipe)
        self.progress = checkpoint.Progress()
        self._restore()
        self.network = self.model
        if group.size > 1:
            own = [group.device] if group.device.type == "cuda" else None
            self.network = DistributedDataParallel(self.model, device_ids=own)
        mixture = Mixture(data.labelled, data.mapped, self.recipe.map_share, plan.seed)
        self.steps = Steps(mixture, self.recipe, group.rank, group.size, self.progress.step)
        self.images = Augmented(mixture, self.recipe, self.preprocessing)
        self.clock = Clock()
        self.events = Events(place.tensorboard if group.rank == 0 else None, self.progress.step)

    def run(self) -> bool:
        """Train to the end; False if the training was asked to stop, and kept its state."""
        left = shown = range(self.progress.step, self.steps.total)
        if self.group.rank == 0:
            shown = bar(left, "train", self.steps.total, "step", done=self.progress.step)
        precision = matmul_precision(self.recipe.precision, self.group.device)
        with stop_requests() as stop, precision, self.events:
            if not (self._judge_start(stop) and self._judge_if_due(stop)):
                return False
            batches = load_batches(self.images, self.steps, self.place.workers, self.group.device)
            for _ in shown:
                stopping = self._step(batches, stop)
                due = self.progress.step % self.place.checkpoint_steps == 0
                # at the end of an epoch, validation comes first
                if stopping or (due and not self._epoch_is_over()):
                    self._save()
                if stopping or not self._judge_if_due(stop):
                    return False
        return True

    def _step(self, batches: Iterator[Batch], stop: Stop) -> bool:
        """One step of the optimiser; True if the training is asked to stop."""
        step, recipe = self.progress.step, self.recipe
        torch.manual_seed(_number(self.plan.seed, step, self.group.rank, _STEP))
        rate = learning_rate(recipe, step, self.steps.per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._into_training()
        self.optimizer.zero_grad()
        seen, sums = [], 0
        for part in range(recipe.accumulation):
            batch = self._next(batches)
            waits = part < recipe.accumulation - 1 and self.group.size > 1
            with self.network.no_sync() if waits else nullcontext():
                parts = self._loss(batch)
                parts.backward(1 / recipe.accumulation)
            sums = sums + sums_of(parts, batch.labels, batch.n_empty)
            seen.append((batch, parts))
        parameters = [p for p in self.model.parameters() if p.grad is not None]
        norm = nn.utils.clip_grad_norm_(parameters, recipe.clip or float("inf"))
        own = sums.new_tensor([1 / self.group.size, 0, float(stop.requested)])
        own[1] = norm / self.group.size
        values = self.group.total(torch.cat([sums, own])).tolist()
        if not np.isfinite(values).all():
            self._refuse(seen, float(norm), rate)
        self.optimizer.step()
        self._follow()
        sums = dict(zip((*SUMS, *_EXTRA), values[:-1], strict=True))
        self._note(sums)
        self.events.step(epoch_row(0, self.progress.step, rate, sums, bool(self.own)))
        return values[-1] > 0

    def _into_training(self) -> None:
        """Training mode, but for batch norm whose statistics are frozen."""
        self.network.train()
        if self.recipe.frozen_statistics:
            for module in self.model.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def _loss(self, batch: Batch) -> LossParts:
        """The loss of one part of a batch, whose labels become the network's own if it has any."""
        recipe, device, targets = self.recipe, self.group.device, None
        images = batch.inputs(self.preprocessing, device, recipe.channels_last)
        half = recipe.precision == "bf16"
        with torch.autocast(device.type, torch.bfloat16) if half else nullcontext():
            if self.own:
                batch.labels, targets = self.own(images)
            return harmonizer_loss(
                self.network, images, batch.labels, batch.maps.to(device, non_blocking=True),
                batch.tokens, strength=self.plan.strength, targets=targets,
                weight_decay=recipe.weight_decay if recipe.optimizer == "sgd" else 0.0,
                label_smoothing=recipe.label_smoothing, levels=recipe.levels,
                epsilon=recipe.epsilon, saliency=recipe.saliency, sub_batch=recipe.sub_batch,
            )  # fmt: skip

    def _next(self, batches: Iterator[Batch]) -> Batch:
        started = time.monotonic()
        batch = next(batches)
        self.clock.waited += time.monotonic() - started
        self.clock.images += len(batch.labels) * self.group.size
        return batch

    def _follow(self) -> None:
        """Move the running average towards the weights, faster at first, to forget the initial ones."""
        if self.average is None:
            return
        step = self.progress.step
        weight = 1 - min(self.recipe.ema, (1 + step) / (10 + step))
        pairs = zip(
            self.average.state_dict().values(), self.model.state_dict().values(), strict=True
        )
        for mean, value in pairs:
            if mean.is_floating_point():
                mean.lerp_(value, weight)
            else:
                mean.copy_(value)

    def _note(self, values: dict) -> None:
        sums = self.progress.sums
        self.progress.sums = {name: sums.get(name, 0.0) + v for name, v in values.items()}
        self.progress.step += 1

    def _epoch_is_over(self) -> bool:
        """True after the last step of an epoch, until the network was validated."""
        return self.progress.step == (len(self.progress.rows) + 1) * self.steps.per_epoch

    def _judge(self, stop: Stop) -> dict | None:
        """What the validation images say of the network as it is; None if asked to stop."""
        return judge(
            self.average or self.model, self.data.validation, self.preprocessing,
            self.recipe.validation_crop, self.recipe.alignment_images, self.group,
            self.place.workers, stop, self.own,
        )  # fmt: skip

    def _judge_start(self, stop: Stop) -> bool:
        """With labels of its own, judge the network before the first step; False if asked to stop."""
        if self.own and not self.progress.before:
            judged = self._judge(stop)
            if judged is None:
                return False
            self.progress.before = judged
        return True

    def _judge_if_due(self, stop: Stop) -> bool:
        """After the last step of an epoch, validate the network and save it; False if asked to stop."""
        if not self._epoch_is_over():
            return True
        step, epoch = self.progress.step, len(self.progress.rows) + 1
        self._require_maps(epoch)
        timing = self.clock.row()
        model = self.average or self.model
        self.group.follow_first(model.buffers())  # batch norm saw other images in every process
        judged = self._judge(stop)
        if judged is None:
            self._save()  # the step is done; the validation follows when the training continues
            return False
        self._require_finite(judged, epoch)
        rate = learning_rate(self.recipe, step - 1, self.steps.per_epoch)
        row = epoch_row(epoch, step, rate, self.progress.sums, bool(self.own)) | judged | timing
        self.progress.rows, self.progress.sums = [*self.progress.rows, row], {}
        if self.recipe.kept != "last" and kept_epoch(self.progress.rows, self.recipe) == epoch:
            self.kept = {name: value.clone() for name, value in model.state_dict().items()}
        self.events.epoch(row)
        if self.group.rank == 0:
            _log.info(describe(row, self.recipe.epochs))
        self._save()
        self.clock = Clock()
        return True

    def _require_maps(self, epoch: int) -> None:
        """Refuse human maps that are all empty: the training would silently be that of a baseline."""
        maps, empty = self.progress.sums["maps"], self.progress.sums["empty_maps"]
        if epoch == 1 and self.plan.strength > 0 and empty and not maps:
            raise UserError(
                f"strength: {self.plan.strength:g}, but all {empty:.0f} human maps of the first epoch "
                "are empty (one value everywhere in the crop); check the files of the maps: "
                + files_of(self.images.mixture.samples)
            )

    def _require_finite(self, judged: dict, epoch: int) -> None:
        """Refuse a network whose weights are finite but whose scores are not."""
        entropy = judged.get("validation_cross_entropy", 0.0)
        if not math.isfinite(entropy):
            raise UserError(
                f"step {self.progress.step}, the end of epoch {epoch}: the cross-entropy of the "
                f"validation images is {entropy:g}; {checkpoint.advice(self.place.folder)}"
            )

    def _save(self) -> None:
        if self.group.rank == 0:
            checkpoint.save(
                self.place.folder, self.model, self.average, self.kept, self.optimizer,
                self.progress, self.identity, self.bounds,
            )  # fmt: skip
            self.events.flush()

    def _restore(self) -> None:
        found = checkpoint.read(self.place.folder, self.identity)
        if found is None:
            return
        tensors, self.progress = found
        checkpoint.restore(tensors, self.model, self.average, self.optimizer)
        self.kept = checkpoint.kept_in(tensors) or None
        if self.group.rank == 0:
            _log.info(f"the training continues after step {self.progress.step}")

    def _refuse(self, seen: list[tuple[Batch, LossParts]], norm: float, rate: float) -> None:
        """Stop at a loss or gradient that is not finite, say what is known, and write no checkpoint."""
        lines = [line for part in seen for line in describe_part(*part)]
        everybody = [line for lines in self.group.gather(lines) for line in lines]
        step = self.progress.step + 1
        raise UserError(
            f"step {step}: the loss or its gradient is not finite (gradient norm {norm:g}, learning "
            f"rate {rate:g}); {'; '.join(everybody)}. {checkpoint.advice(self.place.folder)}"
        )


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum, or AdamW with decoupled decay of what the loss would decay."""
    parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
    if recipe.optimizer == "sgd":
        nesterov = recipe.momentum > 0
        return torch.optim.SGD(
            parameters.values(), recipe.learning_rate, recipe.momentum, nesterov=nesterov
        )
    decayed = decayed_parameters(model)
    rest = [p for name, p in parameters.items() if name not in decayed]
    groups = [
        {"params": list(decayed.values()), "weight_decay": recipe.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, recipe.learning_rate)


def class_count(model: nn.Module, input_size: tuple[int, int, int]) -> int:
    """Number of classes of a network, found by running two blank images through it."""
    weight = next(model.parameters())
    with torch.no_grad():
        scores = model(weight.new_zeros(2, *input_size))
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2 or not scores.shape[1]:
        raise UserError(
            "network: it must put out class scores (image, class); give it a classifier "
            "(arguments: num_classes)"
        )
    return scores.shape[1]


def _number(*parts: int) -> int:
    """One seed made of several numbers."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)
