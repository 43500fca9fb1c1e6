"""What ci/bench-community does in namespaces of its own: bench.py table|json AGENT NODES SECONDS STAGE"""

import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from table import table
from valley import Valley, names, until

# Of these only the order counts; the second is more than a page of services shows.
MANY, SOME = 200, 50
# Publishing, and taking back, each by another node.
TIMES = 5
SPLIT_S = 60
# Longer than this nothing takes; that it did not happen is a figure too.
LIMIT_S = 300
# What was just learned is still being told for a while.
QUIET_S = 15
TICKS = os.sysconf("SC_CLK_TCK")


def say(text):
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def seconds(values):
    values = list(values)
    return {"median": statistics.median(values), "first": min(values), "last": max(values)}


def machine_s():
    """Seconds that this machine has computed so far, and those of them that went to what runs in these namespaces."""
    user, nice, system, _, _, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    busy, ours = user + nice + system + irq + softirq, 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        fields = file.read_text().rsplit(")", 1)[1].split()
        ours += int(fields[11]) + int(fields[12])
    return busy / TICKS, ours / TICKS


class Watch:
    """Asks each of some nodes in turn, until it says yes; times are those of the answers, since `begun`."""

    def __init__(self, begun=None):
        self.begun = time.monotonic() if begun is None else begun
        self.times = {}
        self.missing = []
        # The longest between two answers of one node: so much later than it was, something may be seen.
        self.resolution = 0.0

    def all(self, nodes, is_so, limit_s=LIMIT_S, pause_s=0.02):
        started = time.monotonic()
        missing, asked = list(nodes), dict.fromkeys(nodes, started)
        while missing and time.monotonic() - started < limit_s:
            still = []
            for node in missing:
                so, now = is_so(node), time.monotonic()
                self.resolution = max(self.resolution, now - asked[node])
                asked[node] = now
                if so:
                    self.times[node.number] = now - self.begun
                else:
                    still.append(node)
            missing = still
            time.sleep(pause_s if missing else 0)
        self.missing = [node.number for node in missing]
        if missing:
            say(f"after {limit_s} s still not on {self.missing}")
        return self

    def figures(self):
        figures = seconds(self.times.values()) if self.times else {"median": None, "first": None, "last": None}
        if self.missing:
            figures["last"] = None
        return figures | {"resolution": self.resolution, "missing": self.missing}


class Bench:
    def __init__(self, valley, seconds_quiet):
        self.valley = valley
        self.nodes = valley.nodes
        self.quiet_s = seconds_quiet
        self.machine = None
        self.figures = {}
        # Who publishes what beyond the fifty.
        self.everything = SOME * len(self.nodes)

    def sees_all(self, node):
        return len(node.states().get("up", ())) == len(self.nodes) - 1

    def join(self):
        """One after another, as soon as the one before is seen: by the one who invited, to be up."""
        first, *others = self.nodes
        first.ask("POST", "/community", {"name": "Example Valley"})
        self.valley.lay_mesh(first.get("/community")["community"]["id"])
        # Before it has opened its end nobody can come in.
        until(lambda: first.get("/community")["members"], LIMIT_S, "nothing was founded")
        wanted = {"uses": max(len(others), 1), "days": 1}
        invitation = json.loads(first.ask("POST", "/community/invitations", wanted)[0])["invitation"]
        took, resolution, last = [], 0.0, time.monotonic()
        for node in others:
            last = time.monotonic()
            node.ask("POST", "/community/join", {"invitation": invitation})
            watch = Watch(last).all([first], lambda it, node=node: node.key.hex() in it.states().get("up", ()))
            if watch.missing:
                raise RuntimeError(f"{node.name} does not get in: {node.get('/community')['joining']}\n{node.log()}")
            took.append(watch.times[first.number])
            resolution = max(resolution, watch.resolution)
        self.figures["join"] = seconds(took) | {"resolution": resolution}
        self.figures["all-see-all"] = Watch(last).all(self.nodes, self.sees_all).figures()

    def warm(self):
        for node in self.nodes:
            node.warm()

    def quiet(self, name):
        time.sleep(QUIET_S)
        count = len(self.nodes)
        memory, cpu = self.memory(), self.cpu_s()
        sent, begun = self.valley.sent(), time.monotonic()
        time.sleep(self.quiet_s)
        after, took = self.valley.sent(), time.monotonic() - begun
        packets = [(b[0] - a[0]) / took for a, b in zip(sent, after)]
        octets = [(b[1] - a[1]) / took for a, b in zip(sent, after)]
        cpu = self.cpu_s() - cpu
        self.figures[name] = memory | {
            "packets-per-s": statistics.mean(packets),
            "packets-per-s-most": max(packets),
            "bytes-per-s": statistics.mean(octets),
            "bytes-per-s-most": max(octets),
            "cpu-percent": 100 * cpu / took / count,
        }

    def cpu_s(self):
        return sum(node.cpu_s() for node in self.nodes)

    def memory(self):
        now, most = zip(*(node.memory() for node in self.nodes))
        return {"memory-mib": statistics.median(now), "memory-mib-most": max(now), "memory-mib-ever": max(most)}

    def one_service(self):
        seen, gone = [], []
        for turn in range(TIMES):
            node = self.nodes[(3 + turn * 7) % len(self.nodes)]
            for audience, count, watches in (("community", 1, seen), ("me", 0, gone)):
                self.warm()
                watch = Watch()
                node.publish(names(1), audience)
                watches.append(watch.all(self.nodes, lambda it, count=count: it.offers() == count))
                # Not while it is still being told.
                time.sleep(2)
        for name, watches in (("service-seen", seen), ("service-gone", gone)):
            lasts = [watch.figures()["last"] for watch in watches]
            whole = None if None in lasts else statistics.median(lasts)
            resolution = max(watch.resolution for watch in watches)
            worst = None if whole is None else max(lasts)
            self.figures[name] = {"median": whole, "last": worst, "resolution": resolution, "each": lasts}

    def offer(self, name, work, count):
        """Has nodes publish or take back, until all nodes see so many services."""
        begun, sent, cpu = time.monotonic(), self.valley.sent(), self.cpu_s()
        with ThreadPoolExecutor(len(work)) as pool:
            list(pool.map(lambda it: it[0].publish(*it[1:]), work))
        told = time.monotonic()
        watch = Watch(begun).all(self.nodes, lambda it: it.offers() == count, pause_s=0.2)
        figures = watch.figures()
        figures["telling"] = told - begun
        figures["after-telling"] = None if watch.missing else max(figures["last"] - figures["telling"], 0.0)
        figures["kib-sent-each"] = sum(b[1] - a[1] for a, b in zip(sent, self.valley.sent())) / 1024 / len(self.nodes)
        figures["cpu-s-each"] = (self.cpu_s() - cpu) / len(self.nodes)
        self.figures[name] = figures
        for number in watch.missing:
            say(f"n{number} has {self.nodes[number - 1].offers()} of {count}")

    def kill(self):
        """The last one dies without a word, and comes back."""
        *others, victim = self.nodes
        self.warm()
        watch = Watch()
        victim.kill()
        watch.all(others, lambda it: victim.key.hex() in it.states().get("down", ()))
        self.figures["dead-noticed"] = watch.figures()
        watch = Watch()
        self.valley.begin(victim)
        until(victim.is_up, LIMIT_S, f"{victim.name} does not come back")
        self.figures["back"] = watch.all(self.nodes, self.sees_all).figures()

    def split(self):
        """The network falls in two halves, each publishes something, and it is one again."""
        half = self.valley.half()
        halves = self.nodes[:half], self.nodes[half:]
        keys = [{node.key.hex() for node in it} for it in halves]
        self.warm()
        watch = Watch()
        self.valley.split()
        of_others = {it.number: keys[0] if it in halves[1] else keys[1] for it in self.nodes}
        watch.all(self.nodes, lambda it: of_others[it.number] <= it.states().get("down", set()), SPLIT_S - 5)
        self.figures["split-noticed"] = watch.figures()
        self.nodes[0].publish(names(SOME + 1)[SOME:])
        self.nodes[-1].publish(names(1), "me")
        self.nodes[-2].publish(names(2)[1:], "me")
        count = self.everything - 1
        time.sleep(max(watch.begun + SPLIT_S - time.monotonic(), 0))
        self.warm()
        watch = Watch()
        self.valley.heal()
        self.figures["healed"] = watch.all(self.nodes, self.sees_all).figures()
        self.figures["healed-services"] = Watch(watch.begun).all(self.nodes, lambda it: it.offers() == count).figures()

    def phase(self, text):
        """What comes next; notes how much of the machine others took meanwhile."""
        busy, ours, now = (*machine_s(), time.monotonic())
        if self.machine:
            name, busy_before, ours_before, then = self.machine
            share = (busy - busy_before - (ours - ours_before)) / (now - then) / os.cpu_count()
            self.figures["others-percent"][name] = round(100 * max(share, 0))
        self.machine = (text, busy, ours, now)
        say(text)

    def run(self):
        first = self.nodes[0]
        self.phase(f"{len(self.nodes)} agents start")
        self.valley.start()
        self.phase("each gets an owner")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda node: node.claim(), self.nodes))
        self.phase("one founds a community, the others join")
        self.join()
        self.phase("nothing happens")
        self.quiet("quiet")
        self.phase("a service is published and taken back")
        self.one_service()
        self.phase(f"{MANY} services on one node")
        self.offer("many", [(first, names(MANY), "community")], MANY)
        self.figures["many"] |= self.memory()
        self.offer("many-gone", [(first, names(MANY), "me")], 0)
        self.phase(f"{SOME} services on each node")
        self.offer("everywhere", [(it, names(SOME), "community") for it in self.nodes], self.everything)
        self.phase("nothing happens, with all of these")
        self.quiet("quiet-with-records")
        self.phase("one is killed")
        self.kill()
        self.phase("the network falls in two halves")
        self.split()
        self.phase("over")
        self.figures["memory-at-the-end"] = self.memory()
        complaints = {}
        for node in self.nodes:
            for line in node.log().splitlines():
                if line.startswith(("<3>", "<4>")):
                    complaints[line[3:]] = complaints.get(line[3:], 0) + 1
        self.figures["complaints"] = dict(sorted(complaints.items(), key=lambda it: -it[1])[:20])


def main():
    form, agent, count, quiet_s, stage = sys.argv[1:]
    valley = Valley(agent, stage, int(count), MANY, SOME + 1)
    bench = Bench(valley, int(quiet_s))
    bench.figures |= {"nodes": int(count), "quiet-s": int(quiet_s), "others-percent": {}}
    try:
        bench.run()
    finally:
        valley.end()
    print(json.dumps(bench.figures, indent=2) if form == "json" else table(bench.figures))


if __name__ == "__main__":
    main()
