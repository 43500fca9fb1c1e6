"""Forty nodes and what is between them: namespaces, two bridges, one systemd that pretends, and the agents."""

import hashlib
import ipaddress
import os
import subprocess
import sys
import time
from pathlib import Path

from node import Node

HERE = Path(__file__).parent
UNIT = HERE.parent.parent / "agent/package/root/usr/lib/systemd/system/nuvol-agent.service"
# A tmpfs of the benchmark's own: no disk counts, and nothing is left. `ip netns` has its files there too.
HOME = Path("/run")
# What the pretended systemd runs from the start: the services are all of this unit.
RUNNING = "ssh.service"
SERVICE = """name: {name}
title: Pictures of the valley, part {number}
summary: What the benchmark offers
role: web
units: [{unit}]
start: on-demand
ports:
- {{name: web, port: {port}, protocol: tcp, scope: [lan, mesh]}}
announce: {{type: _http._tcp, port: web}}
"""


def run(*command, **options):
    subprocess.run(command, check=True, **options)


def ip(lines, namespace=None):
    """Has ip(8) do all of these."""
    command = ["ip", "-batch", "-"] if namespace is None else ["ip", "-n", namespace, "-batch", "-"]
    run(*command, input="\n".join(lines), text=True)


def digest(purpose, *parts):
    """`H` of docs/community.md."""
    return hashlib.sha256(bytes([len(purpose)]) + purpose.encode() + b"".join(parts)).digest()


def names(count):
    return [f"part-{number:03}" for number in range(1, count + 1)]


class Valley:
    def __init__(self, agent, stage, count, many, some):
        self.agent = agent
        self.stage = stage
        self.many, self.some = many, some
        self.environment = dict(os.environ, TMPDIR=str(HOME))
        for line in UNIT.read_text().splitlines():
            if line.startswith("Environment="):
                name, value = line.removeprefix("Environment=").split("=", 1)
                self.environment[name] = value
        # With this in it they write the level of each line too.
        self.environment["JOURNAL_STREAM"] = "0:0"
        run("mount", "-t", "tmpfs", "tmpfs", HOME)
        self.nodes = [Node(number, HOME / "nodes") for number in range(1, count + 1)]
        self.processes = []
        self.bus = None

    def lay_cables(self):
        """Each node has `eth0` for all that is measured, and `eth1` by which it is asked."""
        bridges = ("lan", "other", "ask")
        lines = ["link set lo up"]
        for bridge in bridges:
            lines += [f"link add {bridge} type bridge mcast_snooping 0", f"link set {bridge} addrgenmode none up"]
        ip([*lines, "addr add 10.98.0.254/24 dev ask"])
        for node in self.nodes:
            number = node.number
            run("ip", "netns", "add", node.name)
            # Packets are counted as they would be on a wire: nothing puts several into one.
            ip(
                [
                    f"link add lan{number} type veth peer name eth0 address {node.mac} netns {node.name}",
                    f"link set lan{number} master lan addrgenmode none up",
                    f"link add ask{number} type veth peer name eth1 netns {node.name}",
                    f"link set ask{number} master ask addrgenmode none up",
                ]
            )
            ip(
                [
                    "link set lo up",
                    "link set eth0 addrgenmode none gso_max_segs 1 up",
                    "link set eth1 addrgenmode none up",
                    f"addr add 10.99.0.{number}/24 dev eth0",
                    f"addr add {node.place}/24 dev eth1",
                    # By this the agent finds its own address.
                    "route add default via 10.99.0.254 dev eth0",
                ],
                node.name,
            )

    def lay_mesh(self, community):
        """The mesh: each node's address in it, and where all others are. The kernel does not have to look for them,
        which it would not on tinc's interface, and forty tables of forty would be more than it keeps."""
        prefix = bytes([0xFD]) + bytes.fromhex(community)[:5] + bytes(2)
        for node in self.nodes:
            node.mesh = str(ipaddress.IPv6Address(prefix + digest("nuvol-host-1", node.key)[:8]))
        for node in self.nodes:
            others = [it for it in self.nodes if it is not node]
            lines = [f"neigh add {it.mesh} lladdr {it.mac} dev eth0 nud permanent" for it in others]
            ip([f"addr add {node.mesh}/64 dev eth0 nodad", *lines], node.name)

    def start(self):
        self.lay_cables()
        self.pretend()
        for name, count in (("many", self.many), ("some", self.some)):
            folder = HOME / name / "services"
            folder.mkdir(parents=True)
            (HOME / name / "image.yaml").write_text("profile: home\nversion: 0.1.0\n")
            for number, service in enumerate(names(count), 1):
                text = SERVICE.format(name=service, number=number, unit=RUNNING, port=10000 + number)
                (folder / f"{service}.yaml").write_text(text)
        for node in self.nodes:
            self.begin(node)
        for node in self.nodes:
            until(node.is_up, 120, f"{node.name} does not answer")

    def begin(self, node):
        catalogue = "many" if node is self.nodes[0] else "some"
        node.start(self.agent, HOME / catalogue / "services", self.bus, self.environment)

    def pretend(self):
        """Starts what stands for systemd and for the helpers."""
        address = HOME / "bus-address"
        environment = dict(self.environment, ADDRESS=str(address))
        command = [self.stage, HERE / "no-agent", HOME]
        self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment))
        command = [sys.executable, HERE / "helper.py", *(node.socket for node in self.nodes)]
        helper = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.processes.append(helper)
        if helper.stdout.readline() != "ready\n":
            raise RuntimeError("the helpers do not start")
        until(lambda: address.exists() and address.read_text().endswith("\n"), 30, "there is no D-Bus")
        self.bus = address.read_text().strip()

    def half(self):
        return len(self.nodes) // 2

    def split(self):
        ip(f"link set lan{node.number} master other" for node in self.nodes[self.half() :])

    def heal(self):
        ip(f"link set lan{node.number} master lan" for node in self.nodes[self.half() :])

    def sent(self):
        """Packets and bytes that each node has sent so far, as its bridge got them."""
        counted = {}
        for line in Path("/proc/net/dev").read_text().splitlines()[2:]:
            name, figures = line.split(":", 1)
            fields = figures.split()
            counted[name.strip()] = (int(fields[1]), int(fields[0]))
        return [counted[f"lan{node.number}"] for node in self.nodes]

    def end(self):
        for process in [*self.processes, *(node.process for node in self.nodes if node.process)]:
            process.kill()
            process.wait()


def until(is_so, limit_s, otherwise):
    """Waits until it is so; gives the seconds that it took."""
    begun = time.monotonic()
    while not is_so():
        if time.monotonic() - begun > limit_s:
            raise RuntimeError(otherwise)
        time.sleep(0.02)
    return time.monotonic() - begun
