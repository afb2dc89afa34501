"""How fast the report opens and answers, with many models, in a real headless Chromium.

    python benchmarks/report_page.py [--models 150] [--rounds 20] [--page REPORT.html] [--quick]

The page is of made tables with three recordings, or REPORT.html. Every action (a filter, a pattern,
another axis, a sort) is taken `rounds` times. Writes results/bench/report_page.csv, medians in
milliseconds: *handler* until the page's code returns, *answer* until the next frame is there (table,
count and points show the new choice), *whole* until axes and labels fit too, and *cpu*, the time that
the page's main thread ran for all of it, which other work on the machine does not change (Linux only).
The load of the machine stands beside them.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import CDPSession, Page, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "tests"))
from made import report, tables  # noqa: E402

NAMES = ("chromium", "chromium-browser", "google-chrome")
#: What a reader does, as code of the page.
ACTIONS = {
    "nothing": "0",  # what the machine and the browser take for a frame of their own
    "filter by category": "document.querySelector('[data-filter=category]').click()",
    "filter by recording": "document.querySelector('[data-filter=recording]').click()",
    "find by name": "type('find', 'vit')",
    "highlight": "type('mark', 'vit')",
    "another axis": "choose('axis-y', 'r', 'r_over_ceiling')",
    "sort": "document.querySelectorAll('#rows thead button')[4].click()",
    "open a network": "document.querySelector('#rows tbody button').click()",
    "close it": "document.querySelector('#model button[autofocus]').click()",
}
TIMED = """async () => {
  const change = (id, value, kind) => {
    const input = document.getElementById(id);
    input.value = value;
    input.dispatchEvent(new Event(kind));
  };
  const type = (id, text) => change(id, document.getElementById(id).value ? "" : text, "input");
  const choose = (id, one, other) =>
    change(id, document.getElementById(id).value === one ? other : one, "change");
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const start = performance.now();
  ACTION;
  const handler = performance.now() - start;
  await frame();
  const answer = performance.now() - start;
  const plot = document.getElementById("plot");
  while (plot.getAttribute("aria-busy") !== "false") await new Promise((done) => setTimeout(done));
  await frame();
  return { handler, answer, whole: performance.now() - start };
}"""


def made_page(models: int) -> str:
    """A report of so many models on three recordings."""
    some = tables.paper_models(np.random.default_rng(0))
    more = [
        (f"more_{i}", "imagenet", "cnn", f"g{i // 4}", 66 + i % 20, 0.45) for i in range(models)
    ]
    summary = tables.summary([*more[: max(0, models - len(some))], *some][-models:])
    return report.render(summary, report.tables(summary, draws=3))


def cpu_ms(browser: CDPSession) -> float:
    """Milliseconds that the main thread of the newest page has run; NaN where the system hides it."""
    processes = browser.send("SystemInfo.getProcessInfo")["processInfo"]
    newest = max(one["id"] for one in processes if one["type"] == "renderer")
    path = Path(f"/proc/{newest}/task/{newest}/schedstat")
    return int(path.read_text(encoding="utf-8").split()[0]) / 1e6 if path.exists() else np.nan


def opened(page: Page, browser: CDPSession, address: str) -> dict:
    """Open the page and wait until its plot is drawn."""
    page.goto("about:blank")
    before = cpu_ms(browser)
    page.goto(address, wait_until="commit")
    page.wait_for_selector('#plot[aria-busy="false"]')
    whole = page.evaluate("performance.now()")
    first = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    after = cpu_ms(browser)  # another process where a browser gives files one of their own
    spent = after - before if after >= before else after
    return {"action": "open", "answer": page.evaluate(first), "whole": whole, "cpu": spent}


def acted(page: Page, browser: CDPSession, name: str) -> dict:
    """One action; the page is left in peace before it."""
    page.wait_for_timeout(200)
    before = cpu_ms(browser)
    times = page.evaluate(TIMED.replace("ACTION", ACTIONS[name]))
    return {"action": name} | times | {"cpu": cpu_ms(browser) - before}


def measure(address: str, rounds: int, openings: int) -> pd.DataFrame:
    """Every opening and every action, one a row."""
    path = next(filter(None, map(shutil.which, NAMES)))
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=root)
        session = chromium.new_browser_cdp_session()
        rows = []
        for _ in range(openings):
            page = chromium.new_page(viewport={"width": 1300, "height": 900})
            rows.append(opened(page, session, address))
            if len(rows) < openings:
                page.close()
        pairs = [("open a network", "close it")]
        alone = [(name,) for name in ACTIONS if name not in pairs[0]]
        for names in [*alone, *pairs]:
            rows += [acted(page, session, name) for _ in range(rounds) for name in names]
        chromium.close()
    return pd.DataFrame(rows)


def main(models: int, rounds: int, openings: int, given: Path | None, out: Path) -> None:
    """Measure, print, and write the table."""
    if not any(map(shutil.which, NAMES)):
        print("The report's page was left out: no Chromium; install it: apt-get install chromium")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = given or Path(folder) / "report.html"
        if given is None:
            path.write_text(made_page(models), encoding="utf-8")
        before = os.getloadavg()[0]
        found = measure(path.resolve().as_uri(), rounds, openings)
        groups = found.groupby("action", sort=False)
        medians = groups.median().assign(runs=groups.size()).reset_index()
        medians["megabytes"] = path.stat().st_size / 1e6
    load = f"{before:.1f} to {os.getloadavg()[0]:.1f}"
    medians = medians.assign(load=load, cores=os.cpu_count())
    out.mkdir(parents=True, exist_ok=True)
    medians.to_csv(out / "report_page.csv", index=False, float_format="%.4g")
    print(medians.to_string(index=False, float_format="%.4g"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--page", type=Path, help="a report of your own")
    parser.add_argument("--quick", action="store_true", help="20 models, 3 rounds")
    options = parser.parse_args()
    asked = (20, 3, 1) if options.quick else (options.models, options.rounds, 3)
    main(*asked, options.page, REPOSITORY / "results" / "bench")
