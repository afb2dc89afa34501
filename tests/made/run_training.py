"""Run one training as the rule does, with planned misfortune: `run_training.py ARGUMENTS FAULTS`.

Faults: {"step": after which, "signal": number, "whom": self, group or rank}, or {"step", "error"}.
They are planted in ranks too, which run this file's code for themselves.
"""

import json
import os
import sys
import time

from torch import distributed

import train_harmonized
from itcortex.errors import UserError
from itcortex.running.log import logged_to
from itcortex.training.events import Events

FAULTS = json.loads(sys.argv[2])


def misfortune(events, row):
    """After the step: what is planned for it."""
    step(events, row)
    time.sleep(FAULTS.get("slow", 0))
    rank = distributed.get_rank() if distributed.is_initialized() else 0
    if row["step"] != FAULTS.get("step") or rank != FAULTS.get("rank", 0):
        return
    if "error" in FAULTS:
        raise {"user": UserError, "bug": KeyError}[FAULTS["error"]]("planted")
    whom = {"self": os.getpid(), "group": 0, "starter": os.getppid()}[FAULTS["whom"]]
    (os.killpg if FAULTS["whom"] == "group" else os.kill)(whom, FAULTS["signal"])


step = Events.step
if FAULTS:
    Events.step = misfortune

if __name__ == "__main__":
    with logged_to(sys.stderr):
        train_harmonized.main(**json.loads(sys.argv[1]))
