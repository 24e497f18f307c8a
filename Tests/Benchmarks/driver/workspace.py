"""What every benchmark needs: a folder on a real disk with keys in it, the peer, and refundd."""

import json
import pathlib
import resource
import shutil
import subprocess
import tempfile

from daemon import PROGRAMS, Refundd
from peer import Peer

BUILD = PROGRAMS.parent
# A listening port is an open file; often no more than 1,024 are allowed unless somebody asks.
OPEN_FILES = 4_096


class Workspace:
    """The folder, which is removed at the end, and the peer that every benchmark shares."""

    def __init__(self, settled, processing, plain_ports):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="benchmarks-", dir=BUILD))
        self._started = []
        self._databases = 0
        try:
            self._make_keys()
            self._start_peer(settled, processing, plain_ports)
        except BaseException:
            self.close()
            raise

    def _make_keys(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, umask=0o077)

        for name in ["app", "gateway"]:
            openssl("genrsa", "-out", f"{name}.pem", "2048")
            openssl("rsa", "-in", f"{name}.pem", "-pubout", "-out", f"{name}_public.pem")
        names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        openssl(
            *["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names],
            *["-keyout", "certificate_key.pem", "-out", "certificate.pem"],
        )
        openssl("rand", "-base64", "-out", "random", "32")
        secret = self.folder / "webhook_secret"
        secret.touch(0o600)
        secret.write_text("whsec_" + (self.folder / "random").read_text())

    def _start_peer(self, settled, processing, plain_ports):
        command = [PROGRAMS / "refund-benchmark-peer", "--key", "gateway.pem", "--certificate", "certificate.pem"]
        command += ["--certificate-key", "certificate_key.pem", "--settled", str(settled)]
        command += ["--processing", str(processing), "--plain-ports", str(plain_ports)]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < OPEN_FILES:
            resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))
        peer = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE)
        self._started.append(peer)
        ports = json.loads(peer.stdout.readline())
        self.peer = Peer(peer.pid, ports["tls"], ports["plain"])

    def refundd(self, **settings):
        """A refundd with a database of its own, which does not run yet."""
        self._databases += 1
        return Refundd(self, f"refundd-{self._databases}", settings)

    def program_started(self, process):
        """Takes note of a program that must not outlive the benchmarks."""
        self._started.append(process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for process in self._started:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
