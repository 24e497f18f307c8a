"""A shop: its database with the queue, the simulated gateway, and the daemon."""

import contextlib
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess

from mentions import keys
from support import await_, free_port, problems, programs, readme, run


class Shop:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.sim = self.folder / "sim"
        self.database = self.folder / "shop.db"
        self.processes = contextlib.ExitStack()
        port = free_port()
        run(programs / "refund-gateway-simulator", "init", "--directory", self.sim, "--port", port)
        self.environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "REFUNDD_CONFIG": str(self.sim / "refundd.conf"),
            "REFUNDD_DATABASE_PATH": str(self.database),
            "REFUNDD_ADMIN_LISTEN": "",
            "REFUNDD_GATEWAY_MAX_QUERIES_PER_SECOND": "200.0",
            "REFUNDD_POLLING_MAX_INTERVAL": "1s",
        }
        if "[alerts] delayed_after" in keys:
            self.environment["REFUNDD_ALERTS_DELAYED_AFTER"] = "1s"

    def start(self, *command, **options):
        log = open(self.folder / f"{pathlib.Path(command[0]).name}.log", "a")
        process = subprocess.Popen(
            [str(c) for c in command], cwd=self.folder, env=self.environment, stdout=log, stderr=log, **options
        )
        self.processes.callback(stop, process)
        return process

    def start_gateway(self, *options):
        log = self.folder / "refund-gateway-simulator.log"
        before = log.read_text().count("listening") if log.exists() else 0
        process = self.start(programs / "refund-gateway-simulator", "run", "--directory", self.sim, *options)
        await_("the simulator", lambda: log.exists() and log.read_text().count("listening") > before)
        return process

    def refundd(self, *arguments):
        return run(programs / "refundd", *arguments, cwd=self.folder, env=self.environment)

    def connect(self):
        return contextlib.closing(sqlite3.connect(self.database, isolation_level=None, timeout=10))

    def rows(self, query, *values):
        with self.connect() as db:
            return db.execute(query, values).fetchall()

    def execute(self, text):
        with self.connect() as db:
            db.executescript(text)


def stop(process):
    process.terminate()
    process.wait(30)


def keys_example(shop, text):
    """The new pair signs from now on: its public half goes to the gateway's portal."""
    run("bash", "-eu", "-c", text, cwd=shop.folder)
    private = re.search(r'private_key_file = "(.*)"', (shop.sim / "refundd.conf").read_text())[1]
    shutil.move(shop.folder / "app_private_key.pem", shop.sim / private)
    shutil.move(shop.folder / "app_public_key.pem", shop.sim / private.replace("private", "public"))
    gateway = shop.start_gateway()
    shop.refundd("check", "--online")
    return gateway


def sql_examples(shop, enqueues, hints, selects):
    for text in enqueues:
        shop.execute(text)
    if shop.rows("SELECT count(*) FROM refund_queue WHERE merchant_order_no = 'R-1001'") != [(1,)]:
        problems.append("README.md: the INSERT does not enqueue")
    await_("R-1001 to settle", lambda: shop.rows("SELECT 1 FROM refund_queue WHERE state = 'settled'"))
    for text in hints:
        shop.execute(text)
    await_("the hint to be consumed", lambda: not shop.rows("SELECT 1 FROM refund_hints"))
    if not all(shop.rows(select) for select in selects):
        problems.append("README.md: the SELECT finds no events")


def amount_example(shop):
    """The number in the text that has the simulator pay an amount."""
    number, currency, amount = re.search(r"`([^`@]+@([A-Z]{3})([0-9_]+))`", readme).groups()
    columns = "merchant_order_no, expected_amount, expected_currency"
    values = f"'{number}', '{amount.replace('_', '.')}', '{currency}'"
    shop.execute(f"INSERT INTO refund_queue ({columns}) VALUES ({values})")
    settled = f"SELECT 1 FROM refund_queue WHERE merchant_order_no = '{number}' AND state = 'settled'"
    await_(f"{number} to settle", lambda: shop.rows(settled))
