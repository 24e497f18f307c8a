"""Runs the benchmarks and shows what they measured; `Tests/Benchmarks/run` says how to start it."""

import argparse
import importlib
import json
import os
import platform
import time

from workspace import BUILD, Workspace

NAMES = ["costs", "instructions", "rival", "wake", "growth", "idle", "webhooks", "writes", "schedules", "postgres"]

# What --quick takes instead, to see that everything works.
SIZES = {
    "rows": (8_000, 1_000),
    "rounds": (5, 1),
    "counted_rows": (1_500, 200),
    "refunds": (20_000, 1_000),
    "rival_refunds": (10_000, 500),
    "inserts": (1_000, 100),
    "due": (5_000, 300),
    "endpoint_webhooks": (3_000, 1_200),
    "idle_seconds": (60, 3),
    "floor_seconds": (5, 1),
    "syncs": (500, 50),
    "sizes": ([1_000, 10_000, 100_000, 1_000_000], [1_000, 5_000]),
}

parser = argparse.ArgumentParser(prog="Tests/Benchmarks/run", description="Measures refundd beside limits and rivals.")
parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(NAMES)}; all without a name")
parser.add_argument("--quick", action="store_true", help="small runs, to see that everything works: quote no figures")
parser.add_argument("--in-flight", type=int, default=128, help="max_in_flight of the gateway")
parser.add_argument("--rows", type=int, help="rows of costs per round")
parser.add_argument("--rounds", type=int, help="rounds of costs")
parser.add_argument("--counted-rows", type=int, help="rows of instructions")
parser.add_argument("--refunds", type=int, help="refunds of rival and writes")
parser.add_argument("--rival-refunds", type=int, help="refunds of the script, at most")
parser.add_argument("--inserts", type=int, help="inserts of wake and postgres")
parser.add_argument("--sizes", type=int, nargs="+", help="pending refunds of growth and postgres, rising")
parser.add_argument("--due", type=int, help="refunds of growth and postgres that are due at once")
parser.add_argument("--endpoint-webhooks", type=int, help="deliveries to 1,000 endpoints")
parser.add_argument("--idle-seconds", type=int, help="how long idle looks on")
parser.add_argument("--floor-seconds", type=int, help="how long openssl speed measures each operation")
parser.add_argument("--syncs", type=int, help="how often the disk's own wait is measured")
parser.add_argument("--profile", metavar="FOLDER", help="leave profiles of costs (perf) and instructions there")
parser.add_argument("--json", default=BUILD / "benchmarks.json", help="where everything is written as JSON")


def main():
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    for name, (full, quick) in SIZES.items():
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else full)
    names = options.names or NAMES
    benchmarks = {name: importlib.import_module(name) for name in names}
    machine = f"{os.cpu_count()} cores, {platform.platform()}"
    results = {"machine": machine, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "options": vars(options)}
    print(f"# refundd on {machine}, load {os.getloadavg()[0]:.1f} before\n", flush=True)
    answers = [benchmark.numbers(options) for benchmark in benchmarks.values()]
    settled, processing = (max(each.get(kind, 0) for each in answers) for kind in ["settled", "processing"])
    with Workspace(settled, processing, plain_ports=1_000 if "webhooks" in benchmarks else 1) as workspace:
        for name, benchmark in benchmarks.items():
            measured = benchmark.run(workspace, options)
            print(measured.text, flush=True)
            results[name] = measured.json
    with open(options.json, "w") as file:
        json.dump(results, file, indent=2, default=str)
    print(f"all of it as JSON: {options.json}")


if __name__ == "__main__":
    main()
