"""A harmonizer in the style of timm's train.py: what changes in `train_one_epoch` is marked.

Model, optimiser, schedule, average of weights and mixed precision are timm's.
"""

from contextlib import nullcontext

import timm
import torch
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import AverageMeter, ModelEmaV3, dispatch_clip_grad

import itcortex


def train_one_epoch(
    model, loader, optimizer, args, device, lr_scheduler=None, model_ema=None, update=0
):
    """One epoch; the loader yields human maps and tokens beside images and targets."""
    bfloat16 = torch.autocast(device.type, torch.bfloat16)
    amp_autocast = bfloat16 if args["amp"] else nullcontext()
    losses, harmonizations = AverageMeter(), AverageMeter()
    model.train()
    for input, target, human_maps, tokens in loader:  # train.py: input, target
        with amp_autocast:
            # train.py: output = model(input); loss = loss_fn(output, target)
            parts = itcortex.harmonizer_loss(
                model, input.to(device), target, human_maps.to(device), tokens,
                strength=args["strength"],
                label_smoothing=args["smoothing"], weight_decay=0.0, epsilon="relative",
            )  # fmt: skip
        optimizer.zero_grad()
        parts.backward()  # train.py: loss.backward()
        dispatch_clip_grad(model.parameters(), value=args["clip_grad"])
        optimizer.step()
        update += 1
        if model_ema is not None:
            model_ema.update(model, step=update)
        if lr_scheduler is not None:
            lr_scheduler.step_update(num_updates=update)
        losses.update(float(parts.total.detach()), len(input))
        harmonizations.update(float(parts.harmonization), len(input))
    return {"loss": losses.avg, "harmonization": harmonizations.avg}, update


def main(args, loader, epochs, device="cpu"):
    """Train a model of timm's by name; returns it, its average, and every epoch's metrics."""
    device = torch.device(device)
    model = timm.create_model(args["model"], num_classes=args["num_classes"])
    # added: before the average is copied, before DistributedDataParallel, without torch.compile
    model = itcortex.prepare_for_harmonizing(model, args["input_size"]).to(device)
    optimizer = create_optimizer_v2(model, opt="adamw", lr=args["lr"], weight_decay=0.05)
    model_ema = ModelEmaV3(model, decay=args["model_ema_decay"])
    lr_scheduler = CosineLRScheduler(
        optimizer,
        t_initial=epochs * len(loader),
        t_in_epochs=False,
        warmup_t=2,
        warmup_lr_init=1e-5,
    )
    metrics, update = [], 0
    for _ in range(epochs):
        found, update = train_one_epoch(
            model, loader, optimizer, args, device, lr_scheduler, model_ema, update
        )
        metrics.append(found)
    return model, model_ema.module, metrics
