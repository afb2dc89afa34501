"""All that is asked of a GPU, measured in about five minutes on one card.

    PYTHONPATH=scripts python benchmarks/gpu.py --out results/bench/gpu

Parts: `harmonizer` (a training step over a plain one), `gradients` (bf16 and TF32 beside float32),
`extraction` (beside the bare forward pass, and into the file), `encoding` (PLS and ridge beside the
CPU), `tests` (`pytest -m gpu`). Weights, images and recordings are made here: nothing is downloaded.
Each part is a process of its own with a share of the time; seconds that a part leaves go to the next.
What has been measured is written at once. A case that fails is written with its traceback into
errors.txt, and the next one follows.

Writes PART.csv for each part, every row with the card and torch's version; claims.csv: what was asked
and what was found; machine.json; and errors.txt, if there were any.

Options: --parts PART ...; --seconds N for all (300); --device cpu --tiny tries the script without a GPU.
"""

import argparse
import importlib
import json
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pandas as pd

#: Parts and their shares of the time; their files.
SHARES = {"harmonizer": 0.22, "gradients": 0.14, "extraction": 0.2, "encoding": 0.3, "tests": 0.14}
#: Seconds by which a part may exceed its time before it is ended: a case cannot be interrupted.
GRACE = 20


def main(parts: list[str], device: str, tiny: bool, seconds: float, out: Path) -> int:
    """Run the parts one after the other; the number of those that failed or were ended."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "errors.txt").unlink(missing_ok=True)
    whole, spare, failed = sum(SHARES[part] for part in parts), 0.0, 0
    for part in parts:
        limit, began = seconds * SHARES[part] / whole + spare, time.monotonic()
        print(f"== {part}: {limit:.0f} s at most", flush=True)
        failed += not _run_apart(part, device, tiny, limit, out)
        took = time.monotonic() - began
        spare = limit - took
        print(f"== {part}: took {took:.0f} s", flush=True)
    found = claims(out)
    found.to_csv(out / "claims.csv", index=False, float_format="%.4g")
    if len(found):
        print(found.to_string(index=False, float_format="%.3g"), flush=True)
    return failed


def _run_apart(part: str, device: str, tiny: bool, limit: float, out: Path) -> bool:
    """One part in a process of its own, which is ended when its time is up; whether all was well."""
    command = [
        sys.executable, __file__, "--part", part, "--device", device, "--seconds", f"{limit:.0f}",
        "--out", str(out), *(["--tiny"] if tiny else []),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, timeout=limit + GRACE, check=False)
    except subprocess.TimeoutExpired:
        _note(out, f"{part}: ended after {limit + GRACE:.0f} s; what it had measured is there")
        return False
    if done.returncode < 0:
        _note(out, f"{part}: ended by signal {-done.returncode}")
    return done.returncode == 0


def _note(out: Path, text: str) -> None:
    print(text, flush=True)
    with (out / "errors.txt").open("a", encoding="utf-8") as file:
        file.write(f"{text}\n\n")


# --- one part, in its own process -----------------------------------------------------------------


def measure(part: str, device: str, tiny: bool, seconds: float, out: Path) -> int:
    """All cases of a part for which there is time; the number of those that failed."""
    from gpu_case import Run, describe  # noqa: PLC0415 - torch, in the parts' processes alone

    ends = time.monotonic() + seconds
    try:
        about = describe(device)
        (out / "machine.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        run = Run(device, tiny, ends)
        cases = list(importlib.import_module(f"gpu_{part}").cases(run))
    except Exception:  # noqa: BLE001 - said in the file, and the other parts follow
        _note(out, f"{part}: {traceback.format_exc()}")
        return 1
    rows, failed = [], 0
    for case in cases:
        if run.left < case.seconds:
            print(f"{part}: {case.name}: left out, {run.left:.0f} s are too few", flush=True)
            continue
        began = time.monotonic()
        try:
            found = case.rows()
        except Exception:  # noqa: BLE001 - said in the file, and the next case follows
            failed += 1
            _note(out, f"{part}: {case.name}: {traceback.format_exc()}")
            continue
        print(f"{part}: {case.name}: {time.monotonic() - began:.1f} s", flush=True)
        rows += [row | {"card": about["card"], "torch": about["torch"]} for row in found]
        table = pd.DataFrame(rows)
        table.to_csv(out / f"{part}.csv", index=False, float_format="%.5g")
        print(pd.DataFrame(found).to_string(index=False, float_format="%.4g"), flush=True)
    return failed


# --- what was asked -------------------------------------------------------------------------------


def claims(out: Path) -> pd.DataFrame:
    """What was asked of a GPU, and what the tables say of it, where they do."""
    rows = []

    def claim(name: str, found: float, asked: float, at_most: bool = True) -> None:
        holds = found <= asked if at_most else found >= asked
        rows.append({"claim": name, "found": found, "asked": asked, "holds": bool(holds)})

    for row in _rows(out, "harmonizer"):
        asked = {"harmonizer": 2.6, "sub-batch": 1.8}.get(row["way"])
        if row["network"] == "resnet50" and row["precision"] == "bf16" and asked:
            name = f"ResNet-50, bf16, batch {row['batch']}, {row['way']}: times a plain step"
            claim(name, row["times_plain"], asked)
    for row in _rows(out, "gradients"):
        if row["compared"].startswith("bf16") and row["loss"] == "step":
            name = f"{row['network']}, {row['state']}: cosine of gradients, {row['compared']}"
            claim(name, row["cosine"], 0.99, at_most=False)
            claim(f"{name}, the worst parameter's", row["worst_cosine"], 0.99, at_most=False)
    for row in _rows(out, "extraction"):
        about = f"{row['network']}, side {row['side']:.0f}"
        if row["step"] == "file":
            claim(f"{about}: extraction, times the bare pass", row["times_forward"], 1.15)
        if row["step"] == "write" and row["threads"] > 1:
            name = f"{about}: MB/s into the file, {row['threads']:.0f} threads"
            claim(name, row["mb_a_s"], 1000, at_most=False)
    for row in _rows(out, "encoding"):
        if not pd.isna(row.get("difference", float("nan"))):
            about = f"{row['mapping']}, {row['task']}, {row['images']} x {row['features']}"
            name = f"{about}, {row['precision']}: r, difference from the CPU"
            claim(name, row["difference"], row["asked"])
    return pd.DataFrame(rows, columns=["claim", "found", "asked", "holds"])


def _rows(out: Path, part: str) -> list[dict]:
    path = out / f"{part}.csv"
    return pd.read_csv(path).to_dict("records") if path.exists() else []


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=SHARES, default=list(SHARES))
    parser.add_argument("--part", choices=SHARES, help="one part, in this very process")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu for a trial")
    parser.add_argument("--tiny", action="store_true", help="tiny sizes, for a trial")
    parser.add_argument("--seconds", type=float, default=300, help="for all parts together")
    parser.add_argument("--out", type=Path, default=Path("results/bench/gpu"), help="folder")
    given = parser.parse_args()
    shared = (given.device, given.tiny, given.seconds, given.out)
    failures = measure(given.part, *shared) if given.part else main(given.parts, *shared)
    sys.exit(1 if failures else 0)
