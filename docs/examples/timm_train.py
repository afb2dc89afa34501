"""A harmonizer in the style of timm's train.py: what is other than there is marked.

Model, optimiser, schedule, average of weights and mixed precision are timm's. The loader is not: timm's
transforms see the image alone, and a human map must go through the same random crop and flip.
"""

from functools import partial

import numpy as np
import timm
import torch
from timm.data import resolve_data_config
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import AverageMeter, ModelEmaV3, dispatch_clip_grad, random_seed

import itcortex
from itcortex.training.augmentation import cut_image, cut_map, random_crop


class MappedImages(torch.utils.data.Dataset):
    """Instead of timm's dataset with its transform: one random crop and flip for image and map.

    Images are PIL images, human maps arrays (row, column) of the same aspect, or None where there is
    none. What changes colours alone (colour jitter) may be added for the image; what moves or hides
    parts of it (rotation, random erasing) may not, unless the map goes through it too.
    """

    def __init__(self, images, labels, human_maps, config, args):
        self.images, self.labels, self.human_maps = images, labels, human_maps
        self.size, self.interpolation = config["input_size"][1:], config["interpolation"]
        self.mean, self.std = (torch.tensor(config[k]).view(3, 1, 1) for k in ("mean", "std"))
        self.scale, self.ratio, self.hflip = args["scale"], args["ratio"], args["hflip"]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        """Image, target, human map and token; the token is 1 where the map says where to look."""
        # a seed from torch, which gives every worker and every epoch numbers of its own
        rng = np.random.default_rng(int(torch.randint(2**62, ())))
        image, human_map = self.images[index], self.human_maps[index]
        crop = random_crop(image.size, self.scale, self.ratio, self.hflip, rng)
        pixels = torch.tensor(cut_image(image, crop, self.size, self.interpolation))
        input = (pixels.permute(2, 0, 1) / 255 - self.mean) / self.std
        human = torch.zeros(self.size)
        if human_map is not None:
            human = torch.tensor(cut_map(human_map, crop, self.size))
        token = float(human.min() < human.max())  # a crop may miss all that a map marks
        return input, self.labels[index], human, token


def train_one_epoch(
    model, loader, optimizer, args, device, amp_autocast, lr_scheduler, model_ema, update
):
    """One epoch; the loader yields human maps and tokens beside images and targets."""
    losses, harmonizations = AverageMeter(), AverageMeter()
    model.train()
    for input, target, human_maps, tokens in loader:  # train.py: input, target
        with amp_autocast():
            # train.py: output = model(input); loss = loss_fn(output, target)
            parts = itcortex.harmonizer_loss(
                model, input.to(device), target, human_maps.to(device), tokens,
                strength=args["strength"],
                label_smoothing=args["smoothing"], weight_decay=0.0, epsilon="relative",
            )  # fmt: skip
        optimizer.zero_grad()
        parts.backward()  # train.py: loss.backward(), which it does too where there is no loss scaler
        dispatch_clip_grad(model.parameters(), value=args["clip_grad"])
        optimizer.step()
        update += 1
        model_ema.update(model, step=update)
        lr_scheduler.step_update(num_updates=update)
        losses.update(float(parts.total.detach()), len(input))
        harmonizations.update(float(parts.harmonization), len(input))
    return {"loss": losses.avg, "harmonization": harmonizations.avg}, update


def main(args, images, labels, human_maps, epochs, device="cpu"):
    """Train a model of timm's by name; returns it, its average, and every epoch's metrics."""
    if args["mixup"] or args["cutmix"]:  # added
        raise ValueError("mixup, cutmix: a mixture of two images has no human map; set both to 0")
    if args["amp"] and args["amp_dtype"] != "bfloat16":  # added
        raise ValueError("amp_dtype: gradients of gradients do not fit into float16; set bfloat16")
    random_seed(args["seed"])
    device = torch.device(device)
    model = timm.create_model(args["model"], num_classes=args["num_classes"])
    config = resolve_data_config(args, model=model)
    # added: before the average is copied, before DistributedDataParallel, without torch.compile
    model = itcortex.prepare_for_harmonizing(model, config["input_size"]).to(device)
    optimizer = create_optimizer_v2(model, opt="adamw", lr=args["lr"], weight_decay=0.05)
    # train.py: loss_scaler = NativeScaler() for float16; bfloat16 has float32's range and needs none
    amp_autocast = partial(torch.autocast, device.type, torch.bfloat16, enabled=args["amp"])
    model_ema = ModelEmaV3(model, decay=args["model_ema_decay"])
    # train.py: create_dataset, create_loader
    loader = torch.utils.data.DataLoader(
        MappedImages(images, labels, human_maps, config, args), args["batch_size"], shuffle=True,
        drop_last=True, num_workers=args["workers"], pin_memory=device.type == "cuda",
    )  # fmt: skip
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
            model, loader, optimizer, args, device, amp_autocast, lr_scheduler, model_ema, update
        )
        metrics.append(found)
    return model, model_ema.module, metrics
