"""A thousand racks come back at once: `python -m benchmarks.storm [--quick] [--json FILE]`."""
from __future__ import annotations

import argparse, json, sys, tempfile, time
from pathlib import Path
from benchmarks.storm_site import site

import os
os.nice(-15)
def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--racks", type=int, default=1000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp())
    t0 = time.monotonic()
    def say(*a):
        print(f"{time.monotonic()-t0:7.2f}", *a, flush=True)
    with site(folder, given.racks) as s:
        say("racks begin")
        print(s.all_racks("linked")); say("linked"); print("CPU ms per rack", {k: round(v/given.racks*1000,2) for k,v in s.cpu().items()})
        s.all_racks("owned"); say("owned")
        for _ in range(given.rounds):
            time.sleep(8)
            calls = s.calls()
            show("idle", calls)
            killed = time.monotonic()
            s.kill_region()
            say("killed")
            ready = s.ready()
            spent = s.cpu()
            say(f"ready after {ready-killed:.2f}")
            linked = s.all_racks("linked")
            now = s.cpu()
            say(linked)
            print("CPU ms per rack", {k: round((now[k]-spent[k])/given.racks*1000,2) for k in now})
            last = max(x["last"] for x in linked)
            say(f"READY -> LINKED {last-ready:.2f}")
            owned = s.all_racks("owned")
            say(f"READY -> OWNED {max(x['last'] for x in owned)-ready:.2f}")
            time.sleep(3)
            calls = s.calls()
            show("before", [c for c in calls if c[1] < ready])
            first = min([c[1]+c[2] for c in calls if c[1] > killed and c[3]==200])
            print("first API answer after ready", first-ready)
            show("during", [c for c in calls if ready <= c[1] <= last])
            show("after", [c for c in calls if last <= c[1]])
            print(s.cluster.sql("select count(*), count(distinct rack_id) from link"), s.cluster.sql("select owner, count(*) from rack group by 1 order by 1"), s.cluster.sql("select max(since)-min(since) from link"))
    return 0

def show(what, calls):
    took = sorted(c[2] for c in calls)
    bad = {}
    for c in calls:
        if c[3] != 200: bad[c[3]] = bad.get(c[3],0)+1
    if took: print(what, len(took), "p50 %.0f p99 %.0f max %.0f ms" % (took[len(took)//2]*1e3, took[len(took)*99//100]*1e3, took[-1]*1e3), bad)

sys.exit(main())
