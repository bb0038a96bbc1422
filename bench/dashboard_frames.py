"""What does a frame of the dashboard cost with 1 000 blocks in view?  By Chromium's own trace.

Run from the project root: ``PYTHONPATH=. python bench/dashboard_frames.py [--blocks 1000] [--seconds 20] [--url URL]``.

The page is the node's own; only its socket is replaced, before any script runs, by one that tells a DAG of the size
that is asked for and then ten C blocks, one B block and a tenth of an A block a second, so that the picture follows
all the time: every frame draws every block.  A frame's cost is the time in which the renderer's main thread runs
script, style, layout, pre-paint, paint, layerize or commit between two ``BeginMainThreadFrame``; the time of all its
tasks is printed beside it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import Counter
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import requests

from tests.e2e.node import running_node, wait_for
from tests.tools.chromium import Page, chromium

WORK = frozenset(
    {
        "FireAnimationFrame",
        "FunctionCall",
        "EvaluateScript",
        "TimerFire",
        "EventDispatch",
        "RunMicrotasks",
        "v8.callFunction",
    }
    | {"UpdateLayoutTree", "RecalculateStyles", "Layout", "PrePaint", "Paint", "Layerize", "Commit", "UpdateLayer"}
    | {"HitTest", "MinorGC", "MajorGC", "V8.GCScavenger", "CompositeLayers"}
)
FRAME = "BeginMainThreadFrame"
CATEGORIES = [
    "devtools.timeline",
    "disabled-by-default-devtools.timeline",
    "disabled-by-default-devtools.timeline.frame",
    "toplevel",
]
VIEW = "document.querySelector('[data-dashboard]').live"
READY = f"{VIEW}?.dag.head"
IN_VIEW = (
    f"(() => {{ const {{dag, view}} = {VIEW}, [from, to] = dag.range(view.low, view.high); return to - from; }})()"
)

FAKE_SOCKET = (Path(__file__).parent / "dashboard_socket.js").read_text()


def trace(page: Page, seconds: float) -> list[dict[str, Any]]:
    """What Chromium recorded while the page was left alone."""
    found: list[dict[str, Any]] = []
    page.listeners["Tracing.dataCollected"] = lambda parameters: found.extend(parameters["value"])
    page.call("Tracing.start", traceConfig={"includedCategories": CATEGORIES}, transferMode="ReportEvents")
    time.sleep(seconds)
    page.call("Tracing.end")
    page.wait("Tracing.tracingComplete")
    return found


def frames(events: list[dict[str, Any]], clock: str) -> tuple[list[float], list[float]]:
    """Milliseconds of work and of all tasks, frame by frame, of the renderer's main thread.

    ``clock`` is ``ts`` for time on the wall and ``tts`` for time on a processor, which neighbours do not take.
    """
    starts = [event for event in events if event["name"] == FRAME]
    assert starts, "no frame was drawn"
    # of all renderers the one that drew most is the page's
    (main, _) = Counter((event["pid"], event["tid"]) for event in starts).most_common(1)[0]
    own = [event for event in events if (event["pid"], event["tid"]) == main and clock in event]
    edges = sorted(event[clock] for event in own if event["name"] == FRAME)
    spans = [
        (event["name"], event[clock], event[clock] + event.get("tdur" if clock == "tts" else "dur", 0))
        for event in own
        if event.get("ph") == "X"
    ]
    work = sorted((start, end) for name, start, end in spans if name in WORK)
    tasks = sorted((start, end) for name, start, end in spans if name.endswith("RunTask"))
    return per_frame(work, edges), per_frame(tasks, edges)


def per_frame(spans: list[tuple[float, float]], edges: list[float]) -> list[float]:
    """Covered time between each two edges in ms; what lies inside another span counts once."""
    merged: list[list[float]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    sums, at = [], 0
    for low, high in pairwise(edges):
        while at < len(merged) and merged[at][1] <= low:
            at += 1
        covered, look = 0.0, at
        while look < len(merged) and merged[look][0] < high:
            covered += min(high, merged[look][1]) - max(low, merged[look][0])
            look += 1
        sums.append(covered / 1000)
    return sums


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--url", default="", help="of a running node's web; without it one is started")
    parser.add_argument("--width", type=int, default=1600)
    args = parser.parse_args()
    load = os.getloadavg()[0]
    with nullcontext() if args.url else running_node(MDS_PROCESSES="web,rpc,virtual") as node, chromium() as page:
        url = args.url or node.web_url  # type: ignore[union-attr]
        wait_for(lambda: requests.get(url + "/health", timeout=5).ok, "the web answers")
        page.call(
            "Page.addScriptToEvaluateOnNewDocument", source=FAKE_SOCKET.replace("__COUNT__", str(args.blocks + 200))
        )
        page.device(args.width, 1000)
        page.open(url + "/")
        page.run(
            f"new Promise(done => {{ const wait = () => {VIEW}?.dag.head ? done() : setTimeout(wait, 50); wait(); }})"
        )
        page.run(f"(() => {{ const view = {VIEW}.view; view.scale = view.width / {args.blocks}; }})()")
        time.sleep(2)
        events = trace(page, args.seconds)
        shown = page.run(IN_VIEW)
        problems = page.complaints
    assert not problems, problems
    print(f"{shown} blocks in view, {args.seconds:.0f} s, load {load:.1f} before")
    for name, clock in (("on the wall", "ts"), ("on a processor", "tts")):
        work, tasks = frames(events, clock)
        # a frame in which nothing was drawn is none
        drawn = sorted(cost for cost in work if cost > 0.2)
        print(
            f"{name}, {len(drawn)} frames: script, layout and paint {statistics.median(drawn):.1f} ms a frame (median),"
            f" {drawn[int(len(drawn) * 0.95)]:.1f} ms (95 %); all tasks of the main thread"
            f" {statistics.median(tasks):.1f} ms (median)"
        )


if __name__ == "__main__":
    main()
