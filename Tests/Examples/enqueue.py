"""The programs that enqueue, each against a database that another program keeps busy."""

import contextlib
import subprocess
import sys

import playwright._impl._driver

from support import SHOP, await_, problems

KINDS = ["python enqueue", "php enqueue", "js enqueue", "python django-settings", "python django", "python sqlalchemy"]
KINDS += ["ruby rails", "php laravel-config", "php laravel"]

# Holds the database for longer than a program takes to start, then again and again for moments.
BUSY = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
def hold(seconds):
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE orders SET total = total WHERE id = 1000")
    print("busy", flush=True)
    time.sleep(seconds)
    db.execute("COMMIT")
hold(1.5)
while True:
    hold(0.004)
    time.sleep(0.002)
"""

# Calls enqueue() twenty times, once with the same number, and once with one that the queue rejects.
CALLS = {
    "python": """
for i in range(20): enqueue(1 + i, f"OK-NAME-{i}")
enqueue(1, "OK-NAME-0")
try: enqueue(21, "no number")
except Exception as error: print("rejected", error)
""",
    "js": """
for (let i = 0; i < 20; i++) enqueue(1 + i, `OK-NAME-${i}`);
enqueue(1, "OK-NAME-0");
try { enqueue(21, "no number"); } catch (error) { console.log("rejected", error.message); }
""",
    "php": """
for ($i = 0; $i < 20; $i++) enqueue(DB1 + $i, "OK-NAME-$i");
enqueue(DB1, "OK-NAME-0");
try { enqueue(DB21, "no number"); } catch (Exception $error) { echo "rejected ", $error->getMessage(); }
""",
    "ruby": """
20.times { |i| enqueue(1 + i, "OK-NAME-#{i}") }
enqueue(1, "OK-NAME-0")
begin
  enqueue(21, "no number")
rescue => error
  puts "rejected #{error.message}"
end
""",
}


def programs_of(found):
    """Name to language, command, file, and text of each program that enqueues, with what surrounds the example."""
    text = {kind: "\n".join(texts) for kind, texts in found.items()}
    # Playwright brings a recent Node, which Debian lacks.
    node = playwright._impl._driver.compute_driver_executable()[0]
    enqueue_by_sql = """
def enqueue(order, refund_no):
    with engine.begin() as connection:
        connection.execute(text("SELECT total FROM orders WHERE id = :id"), {"id": order}).one()
        connection.execute(text("UPDATE orders SET refund_no = :no WHERE id = :id"), {"no": refund_no, "id": order})
        connection.execute(
            text("INSERT INTO refund_queue (merchant_order_no) VALUES (:no) ON CONFLICT DO NOTHING"), {"no": refund_no})
"""
    django = """
import django
from django.conf import settings
SETTINGS
settings.configure(DATABASES=DATABASES)
django.setup()
from django.db import models, transaction
class Order(models.Model):
    refund_no = models.TextField(null=True)
    class Meta:
        managed = False
        db_table = "orders"
        app_label = "shop"
"""
    php = "<?php\n"
    return {
        "python": ("python", [sys.executable], "enqueue.py", text["python enqueue"]),
        "php": ("php", ["php"], "enqueue.php", php + text["php enqueue"]),
        "node": ("js", [node], "enqueue.mjs", text["js enqueue"]),
        "django": (
            "python",
            [sys.executable],
            "shop.py",
            django.replace("SETTINGS", text["python django-settings"])
            + text["python django"].replace("class Meta:", 'class Meta:\n        app_label = "shop"'),
        ),
        "sqlalchemy": (
            "python",
            [sys.executable],
            "alchemy.py",
            "from sqlalchemy import text\n" + text["python sqlalchemy"] + enqueue_by_sql,
        ),
        "rails": (
            "ruby",
            ["ruby"],
            "enqueue.rb",
            'require "active_record"\n'
            + found["ruby rails"][0]
            + f'ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: "{SHOP}", timeout: 5000)\n'
            + "class Order < ActiveRecord::Base; end\n"
            + "\n".join(found["ruby rails"][1:]),
        ),
        "laravel": (
            "php",
            ["php"],
            "laravel.php",
            php
            + "require 'Illuminate/Database/autoload.php';\n"
            + "class_alias('Illuminate\\Database\\Capsule\\Manager', 'DB');\n"
            + "$connections = [\n"
            + text["php laravel-config"]
            + "];\n$db = new DB;\n$db->addConnection($connections['sqlite']);\n$db->setAsGlobal();\n"
            + text["php laravel"],
        ),
    }


@contextlib.contextmanager
def busy_database(shop):
    writer = subprocess.Popen([sys.executable, "-c", BUSY, str(shop.database)], stdout=subprocess.PIPE, text=True)
    try:
        writer.stdout.readline()
        yield
    finally:
        writer.kill()
        writer.wait()


def call(shop, name, language, command, file, text):
    calls = CALLS[language].replace("NAME", name)
    # PHP's own example passes its connection.
    calls = calls.replace("DB", "$db, " if name == "php" else "")
    path = shop.folder / file
    path.write_text((text + calls).replace(SHOP, str(shop.database)))
    shop.execute("UPDATE orders SET refund_no = NULL")
    with busy_database(shop):
        return subprocess.run([*command, str(path)], cwd=shop.folder, capture_output=True, text=True, timeout=120)


def enqueue_examples(shop, found):
    with shop.connect() as db:
        db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, total TEXT NOT NULL, refund_no TEXT)")
        db.execute("BEGIN")
        db.executemany("INSERT INTO orders VALUES (?, '1200', NULL)", [(i,) for i in range(1, 1001)])
        db.execute("COMMIT")
    all_of_them = programs_of(found)
    for name, program in all_of_them.items():
        done = call(shop, name, *program)
        queued = shop.rows("SELECT count(*) FROM refund_queue WHERE merchant_order_no GLOB ?", f"OK-{name}-*")[0][0]
        told = shop.rows("SELECT count(*) FROM orders WHERE refund_no GLOB ?", f"OK-{name}-*")[0][0]
        rejected = shop.rows("SELECT refund_no FROM orders WHERE id = 21") == [(None,)]
        if done.returncode or (queued, told, rejected) != (20, 20, True) or "rejected" not in done.stdout:
            problems.append(
                f"README.md, enqueue with {name}: {queued} refunds, {told} orders, "
                f"exit status {done.returncode}\n{done.stdout}{done.stderr[-2000:]}"
            )
    # The reason that the text gives, so that the tests above are known to test it.
    language, command, file, text = all_of_them["python"]
    done = call(shop, "plain", language, command, file, text.replace("BEGIN IMMEDIATE", "BEGIN"))
    if "database is locked" not in done.stderr:
        problems.append(f"a plain BEGIN is no problem: {done.stdout}{done.stderr}")
    waiting = "SELECT count(*) FROM refund_queue WHERE merchant_order_no GLOB 'OK-*' AND state <> 'settled'"
    await_("every enqueued refund to settle", lambda: shop.rows(waiting) == [(0,)])
