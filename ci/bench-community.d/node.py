"""A node: its agent, its API, and what the kernel counts of it."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import time
from pathlib import Path

# The agent ends each connection after a minute, and after ten seconds without a question.
CONNECTION_S, IDLE_S = 40, 7
PASSWORD = "correct horse"

# The certificate is the node's own, and looked at by nobody.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


class Node:
    def __init__(self, number, home):
        self.number = number
        self.name = f"n{number}"
        self.home = home / self.name
        for folder in ("state", "run"):
            (self.home / folder).mkdir(parents=True)
        self.socket = self.home / "helper.sock"
        # Apart from the network that is measured, so that asking is not counted.
        self.place = f"10.98.0.{number}"
        self.mac = f"02:00:00:00:00:{number:02x}"
        self.key = None
        self.mesh = None
        self.token = None
        self.process = None
        self.connection = None
        self.connected = self.asked = 0.0

    def start(self, agent, services, bus, environment):
        command = ["ip", "netns", "exec", self.name, "unshare", "--uts"]
        command += ["sh", "-c", 'hostname "$0" && exec "$@"', self.name]
        command += [agent, "serve", "--timing", "lan", "--listen-tls", "0.0.0.0:443", "--bus", bus]
        command += ["--services", services, "--helper", self.socket, "--claim-code-hash", self.home / "none"]
        command += ["--state", self.home / "state", "--runtime", self.home / "run"]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def log(self):
        return (self.home / "log").read_text(errors="replace")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.connection = None

    def ask(self, method, path, body=None, headers=None):
        """The answer's bytes, and its headers."""
        now = time.monotonic()
        if self.connection and (now - self.connected > CONNECTION_S or now - self.asked > IDLE_S):
            self.connection.close()
            self.connection = None
        if not self.connection:
            self.connection = http.client.HTTPSConnection(self.place, timeout=120, context=TLS)
            self.connected = now
        self.asked = now
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        self.connection.request(method, "/api/v1" + path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{self.name}: {method} {path}: {answer.status} {content[:300]!r}")
        return content, answer.headers

    def warm(self):
        """Opens a connection that lasts for a while: forty handshakes take a second here, and would be measured too."""
        if self.connection and time.monotonic() - self.connected > CONNECTION_S / 4:
            self.connection.close()
            self.connection = None
        self.ask("GET", "/health")

    def get(self, path):
        return json.loads(self.ask("GET", path)[0])

    def is_up(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the agent of {self.name} ended:\n{self.log()}")
        try:
            self.ask("GET", "/health")
        except OSError:
            self.connection = None
            return False
        return True

    def claim(self):
        code = (self.home / "run/claim-code").read_text().strip()
        self.ask("POST", "/claim", {"code": code, "name": "Ana", "password": PASSWORD})
        _, headers = self.ask("POST", "/session", {"name": "Ana", "password": PASSWORD})
        cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
        scopes = ["read", "services", "people", "node"]
        answer, _ = self.ask("POST", "/account/tokens", {"title": "benchmark", "scopes": scopes}, cookie)
        self.token = json.loads(answer)["token"]
        words = self.log().split("this node's key is ")[1]
        self.key = bytes.fromhex(words.split()[0])

    def publish(self, services, audience="community"):
        for service in services:
            self.ask("PUT", f"/services/{service}/audience", {"audience": audience})

    def states(self):
        """How many members are in which state, and who is down."""
        states = {}
        for member in self.get("/community")["members"]:
            states.setdefault(member["state"], set()).add(member["node"])
        return states

    def offers(self):
        """How many services there are. They are counted, not read: thousands of them on forty nodes take their time."""
        return self.ask("GET", "/community/services")[0].count(b'"owner_state":')

    def memory(self):
        """What lies in memory now, and the most there ever was, in MiB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return tuple(int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
