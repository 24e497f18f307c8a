#!/usr/bin/env python3
"""A great many refunds that are due at once: whether all end, nothing is lost and no limit is exceeded.

Usage: load.py [--refunds 100000] [--rate 450] [--in-flight 160] [--programs .build/release] [--within 900]

Starts the gateway simulator (answers after 200 ms, one query in a hundred fails), a webhook receiver (one request in
fifty fails) and refundd, all on 127.0.0.1, inserts the refunds in one transaction, waits for the end of everything and
prints a table. Ends with 1 if something is not as it must be, and after --within seconds in any case. Its Python must
be able to import `standardwebhooks`, as for the end-to-end tests.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LATENCY_MS = 200
# Of each kind of fault, so many refunds in a thousand suffer it at their first query.
FAULTS = {"reset": 3, "truncated": 3, "not_json": 2, "wrong_signature": 2}

arguments = argparse.ArgumentParser()
arguments.add_argument("--refunds", type=int, default=100_000)
arguments.add_argument("--rate", type=int, default=450, help="max_queries_per_second")
arguments.add_argument("--in-flight", type=int, default=160, help="max_in_flight of the gateway")
arguments.add_argument("--programs", type=pathlib.Path, default=ROOT / ".build/release")
arguments.add_argument("--within", type=int, default=900, help="seconds")
options = arguments.parse_args()

folder = pathlib.Path(tempfile.mkdtemp(prefix="refundd-load-"))
started = []


def start(name, command, waits_for, **variables):
    """Starts a program and waits until it has written a text; returns it and the line."""
    output = folder / f"{name}.out"
    with open(output, "wb") as file:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], **{name: str(value) for name, value in variables.items()}},
        )
    started.append(process)
    for _ in range(600):
        for line in output.read_text().splitlines():
            if waits_for in line:
                return process, line
        if process.poll() is not None:
            break
        time.sleep(0.05)
    sys.exit(f"{name} did not start: {output.read_text()}")


def seconds_of_cpu(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(process):
    """In MiB."""
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024


def connections(port):
    """How many connections to a port are open now: each has at most one query in flight."""
    wanted = f":{port:04X}"
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(1 for line in lines if line.split()[2].endswith(wanted) and line.split()[3] == "01")


def run():
    simulator = options.programs / "refund-gateway-simulator"
    refundd = options.programs / "refundd"
    receiver = ROOT / "Tests/EndToEndTests/Fixtures/receiver.py"
    subprocess.run([simulator, "init", "--directory", folder], check=True, stdout=subprocess.DEVNULL)
    calm = f"{{ weight = {1000 - sum(FAULTS.values())}, settles_after_queries = 1 }}"
    faulty = [
        f'{{ weight = {weight}, settles_after_queries = 2, fault = "{fault}", fault_for_queries = 1 }}'
        for fault, weight in FAULTS.items()
    ]
    (folder / "scenarios.toml").write_text(f"[mix]\nseed = 1\nentries = [{', '.join([calm, *faulty])}]\n")
    simulator, line = start(
        "simulator",
        [simulator, "run", "--directory", folder, "--port", 0, "--latency", f"{LATENCY_MS}ms"]
        + ["--log", folder / "simulator.log"],
        "listening on",
    )
    gateway = line.removeprefix("listening on ")
    gateway_port = int(gateway.rsplit(":", 1)[1])
    receiver, line = start(
        "receiver",
        [sys.executable, receiver, "--log", folder / "receiver.log", folder / "webhook_secret"],
        "listening on",
    )
    settings = {
        "REFUNDD_CONFIG": folder / "refundd.conf",
        "REFUNDD_GATEWAY_URL": gateway,
        "REFUNDD_GATEWAY_MAX_QUERIES_PER_SECOND": f"{options.rate}.0",
        "REFUNDD_GATEWAY_MAX_IN_FLIGHT": options.in_flight,
        "REFUNDD_POLLING_INITIAL_INTERVAL": "5s",
        "REFUNDD_POLLING_MAX_INTERVAL": "30m",
        "REFUNDD_POLLING_SLOW_AFTER": "24h",
        "REFUNDD_POLLING_ATTENTION_AFTER": "72h",
        "REFUNDD_WEBHOOK_URL": f"http://127.0.0.1:{line.split()[-1]}/flaky/2",
        "REFUNDD_WEBHOOK_MAX_IN_FLIGHT": 64,
        "REFUNDD_WEBHOOK_RETRY_SCHEDULE": "5s,10s,20s,30s",
        "REFUNDD_ADMIN_LISTEN": "",
        "REFUNDD_LOG_LEVEL": "warning",
    }
    environment = {"PATH": os.environ["PATH"], **{name: str(value) for name, value in settings.items()}}
    subprocess.run([refundd, "init"], check=True, env=environment, stdout=subprocess.DEVNULL)
    database = folder / "refundd.db"
    queue = sqlite3.connect(database, isolation_level=None, timeout=30)
    queue.execute("BEGIN IMMEDIATE")
    queue.executemany(
        "INSERT INTO refund_queue (merchant_order_no) VALUES (?)", ((f"R{n}",) for n in range(options.refunds))
    )
    queue.execute("COMMIT")

    begin = time.monotonic()
    process = subprocess.Popen(
        [refundd, "run"], env=environment, stdout=subprocess.DEVNULL, stderr=open(folder / "refundd.err", "wb")
    )
    started.append(process)
    most_connections = 0
    next_word = 20
    while True:
        time.sleep(1)
        elapsed = time.monotonic() - begin
        most_connections = max(most_connections, connections(gateway_port))
        if process.poll() is not None:
            sys.exit(f"refundd ended: {(folder / 'refundd.err').read_text()}")
        open_refunds, waiting = queue.execute(
            """
            SELECT (SELECT count(*) FROM refund_queue WHERE state IN ('pending', 'processing')),
                (SELECT count(*) FROM refund_webhooks WHERE state = 'pending')
            """
        ).fetchone()
        if elapsed >= next_word:
            next_word += 20
            print(f"{elapsed:.0f} s: {open_refunds} refunds open, {waiting} webhooks waiting", file=sys.stderr)
        if open_refunds == 0 and waiting == 0:
            break
        if elapsed > options.within:
            sys.exit(f"after {elapsed:.0f} s {open_refunds} refunds are open and {waiting} webhooks wait")
    programs = [("refundd", process), ("simulator", simulator), ("receiver", receiver)]
    usage = {name: (seconds_of_cpu(program), peak_memory(program)) for name, program in programs}
    process.send_signal(signal.SIGTERM)
    if process.wait(30) != 0:
        sys.exit(f"refundd did not drain: {(folder / 'refundd.err').read_text()}")
    queue.close()
    verification = subprocess.run([refundd, "verify"], env=environment, capture_output=True, text=True)
    report(elapsed, usage, most_connections, database, verification)


def report(elapsed, usage, most_connections, database, verification):
    db = sqlite3.connect(folder / "logs.db", isolation_level=None)
    db.execute("CREATE TABLE simulator_log (line TEXT)")
    db.execute("CREATE TABLE receiver_log (line TEXT)")
    db.execute("BEGIN")
    for name in ["simulator", "receiver"]:
        with open(folder / f"{name}.log", encoding="utf-8") as lines:
            db.executemany(f"INSERT INTO {name}_log VALUES (?)", ((line,) for line in lines))
    db.execute("COMMIT")
    db.executescript(
        f"""
        ATTACH '{database}' AS refundd;
        CREATE TABLE asked AS SELECT line ->> 'at' AS at, line ->> 'merchant_order_no' AS number,
            line ->> 'fault' AS fault FROM simulator_log;
        CREATE TABLE received AS SELECT line ->> 'id' AS id, line ->> '$.verified[0]' AS verified FROM receiver_log;
        CREATE INDEX asked_at ON asked (at);
        CREATE INDEX received_id ON received (id);
        """
    )

    def figure(sql):
        return db.execute(sql).fetchone()[0] or 0

    def most_within(milliseconds, column="at", table="asked"):
        window = f"count(*) OVER (ORDER BY {column} RANGE BETWEEN {milliseconds - 1} PRECEDING AND CURRENT ROW)"
        return figure(f"SELECT max(n) FROM (SELECT {window} AS n FROM {table})")

    queries = figure("SELECT count(*) FROM asked")
    settled = figure("SELECT count(*) FROM refund_queue WHERE state = 'settled'")
    attempts = figure("SELECT sum(attempts) FROM refund_queue")
    resets = figure("SELECT count(*) FROM asked WHERE fault = 'reset'")
    arrived = figure("SELECT count(DISTINCT id) FROM received WHERE verified")
    # The verdicts that were told by a webhook which arrived.
    told = figure(
        """
        SELECT count(DISTINCT w.refund_id) FROM received r CROSS JOIN refund_webhooks w ON w.id = r.id
        WHERE r.verified AND w.type = 'refund.settled' AND w.state = 'delivered'
        """
    )
    # The queue remembers when the last query of each refund left. What arrives in a second may differ from what left in
    # one, by as much as the two programs wait for the processor.
    left_in_a_second = most_within(1_000, "last_query_at", "refund_queue")
    in_the_latency = most_within(LATENCY_MS)
    rows = [
        ("refunds, all due at once", options.refunds),
        ("settled", settled),
        ("time", f"{elapsed:.0f} s"),
        ("queries", queries),
        ("queries that the gateway spoilt", figure("SELECT count(*) FROM asked WHERE fault IS NOT NULL")),
        ("attempts in the queue", attempts),
        ("queries per second", f"{queries / elapsed:.0f}"),
        ("most queries that left in any second (limit)", f"{left_in_a_second} ({options.rate})"),
        ("most queries that arrived in any second", most_within(1_000)),
        (f"most queries in any {LATENCY_MS} ms (limit of those in flight)", f"{in_the_latency} ({options.in_flight})"),
        ("most connections to the gateway, looked at each second", most_connections),
        ("webhooks", figure("SELECT count(*) FROM refund_webhooks")),
        ("webhooks that arrived and verify", arrived),
        ("deliveries at the receiver", figure("SELECT count(*) FROM received")),
        ("attempts in the outbox", figure("SELECT count(*) FROM refund_webhook_attempts")),
    ]
    for name, (cpu, memory) in usage.items():
        rows.append((f"{name}: CPU, peak memory", f"{cpu:.0f} s, {memory:.0f} MiB"))
    cpu = usage["refundd"][0]
    rows.append(("refundd: CPU per query with its webhook", f"{cpu / queries * 1e6:.0f} µs"))
    rows.append(("database", f"{database.stat().st_size / 2**20:.0f} MiB"))
    rows.append(("refundd verify", (verification.stdout.strip().splitlines() or [verification.stderr])[-1]))
    print("| what | figure |\n| --- | --- |")
    for name, value in rows:
        print(f"| {name} | {value} |")

    broken = [
        (settled != options.refunds, "not every refund settled"),
        # libcurl sends a query again whose kept connection ends without a byte of an answer.
        (not attempts <= queries <= attempts + resets, "the attempts are not the queries that the gateway saw"),
        (
            told != settled,
            "a verdict did not arrive",
        ),
        (figure("SELECT count(*) FROM received WHERE NOT verified"), "a webhook does not verify"),
        (left_in_a_second > options.rate, "more queries in a second than allowed"),
        (max(in_the_latency, most_connections) > options.in_flight, "more queries in flight than allowed"),
        (verification.returncode, f"refundd verify: {verification.stdout[-2_000:]}"),
    ]
    problems = [problem for is_broken, problem in broken if is_broken]
    if problems:
        sys.exit("\n".join(problems))


try:
    run()
finally:
    for program in started:
        program.kill()
        program.wait()
    shutil.rmtree(folder, ignore_errors=True)
