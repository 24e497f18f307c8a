"""The examples about PostgreSQL, with a server of their own, and a role for each purpose."""

import contextlib
import glob
import json
import os
import pathlib
import pwd
import signal
import subprocess
import sys

import psycopg

from shop import Shop
from support import await_, problems, programs, run

KINDS = ["sh postgres", "sql postgres", "python postgres", "php postgres"]

# Calls enqueue() twenty times, once with the same number, and once with one that the queue rejects.
CALLS = {
    "python": """
for i in range(20): enqueue(1 + i, f"OK-python-{i}")
enqueue(1, "OK-python-0")
with db.transaction():
    try: enqueue(21, "no number")
    except psycopg.Error as error: print("rejected", error)
    db.execute("UPDATE orders SET refund_no = 'survived' WHERE id = 22")
""",
    "php": """
for ($i = 0; $i < 20; $i++) enqueue($db, 1 + $i, "OK-php-$i");
enqueue($db, 1, "OK-php-0");
try { enqueue($db, 21, "no number"); } catch (Exception $error) { echo "rejected ", $error->getMessage(); }
""",
}


@contextlib.contextmanager
def postgres(folder):
    """A server in a folder of its own, where everybody may be anybody; PostgreSQL refuses to be root's."""
    folder.parent.chmod(0o755)
    folder.mkdir()
    bin = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    user = []
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    data = folder / "data"
    run(*user, f"{bin}/initdb", "-D", data, "-U", "postgres", "-A", "trust", "--locale=C.UTF-8", cwd=folder)
    command = [*user, f"{bin}/postgres", "-D", data, "-k", folder, "-c", "listen_addresses="]
    command += ["-c", "unix_socket_permissions=0777", "-c", "fsync=off"]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen([str(c) for c in command], cwd=folder, stdout=log, stderr=log)
    try:
        await_("the server", lambda: subprocess.run(["pg_isready", "-q", "-h", folder]).returncode == 0)
        yield folder
    finally:
        # Clients that are still connected do not keep it from stopping.
        server.send_signal(signal.SIGINT)
        server.wait(30)


class PostgresShop(Shop):
    def __init__(self, folder, server):
        super().__init__(folder)
        with psycopg.connect(host=str(server), user="postgres", dbname="postgres", autocommit=True) as db:
            for role in ["owner", "refundd", "shop"]:
                db.execute(f"CREATE ROLE {role} LOGIN")
            db.execute("CREATE DATABASE shop OWNER owner")
        file = self.sim / "refundd.conf"
        url = f"postgresql:///shop?host={server}&user="
        file.write_text(file.read_text().replace('path = "refundd.db"', f'url = "{url}refundd"'))
        del self.environment["REFUNDD_DATABASE_PATH"]
        self.environment |= {"OWNER": url + "owner", "PGHOST": str(server)}
        self.database = {"host": str(server), "user": "shop", "dbname": "shop"}

    def connect(self):
        return psycopg.connect(**self.database, options="-c search_path=public,refundd", autocommit=True)


def postgres_examples(folder, found):
    with postgres(pathlib.Path(folder) / "server") as server:
        place = PostgresShop(pathlib.Path(folder), server)
        with place.processes:
            with psycopg.connect(**{**place.database, "user": "owner"}, autocommit=True) as db:
                db.execute("CREATE TABLE orders (id bigint PRIMARY KEY, total text NOT NULL, refund_no text)")
                db.execute("INSERT INTO orders SELECT i, '1200', NULL FROM generate_series(1, 100) i")
                db.execute("GRANT SELECT, UPDATE ON orders TO shop")
            for text in found["sh postgres"]:
                run("bash", "-eu", "-c", text, cwd=place.folder, env=place.environment)
            place.start_gateway()
            place.start(programs / "refundd", "run")
            for text in found["sql postgres"]:
                place.connect().execute(text)
            check(place, "R-1002", 1)
            programs_of = {
                "python": ([sys.executable], "enqueue.py", ""),
                "php": (["php"], "enqueue.php", "<?php\n"),
            }
            for language, (command, file, head) in programs_of.items():
                path = place.folder / file
                path.write_text(head + "\n".join(found[f"{language} postgres"]) + CALLS[language])
                done = subprocess.run(
                    [*command, str(path)], cwd=place.folder, env=place.environment, capture_output=True, text=True
                )
                if done.returncode or "rejected" not in done.stdout:
                    problems.append(f"README.md, enqueue on PostgreSQL with {language}: {done.stdout}{done.stderr[-2000:]}")
                check(place, f"OK-{language}-%", 20)
            survived = place.rows("SELECT refund_no FROM orders WHERE id IN (21, 22) ORDER BY id")
            if survived != [(None,), ("survived",)]:
                problems.append(f"a nested transaction is no savepoint: {survived}")
            status = json.loads(place.refundd("status", "--json"))
            if len(status["daemons"]) != 1:
                problems.append(f"refundd status lists {status['daemons']}")


def check(place, pattern, count):
    """Waits until each refund of a pattern, and as many as there must be, has settled."""
    settled = "SELECT count(*) FROM refund_queue WHERE merchant_order_no LIKE %s AND state IN ('settled', 'processing')"
    await_(f"{pattern} on PostgreSQL", lambda: place.rows(settled, pattern) == [(count,)])
