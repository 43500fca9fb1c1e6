"""What a bad member does to the others, from within its own node. Only ci/lab runs this, in a lab.

attack.py hear FILE SECONDS            keeps what agents say to each other over this node's end of the mesh
attack.py strike FILE ADDRESS ...      nonsense, and what was heard, to nodes; says what came of it

Addresses on the mesh are struck at the port of agents among themselves, others at the doors for everybody.
"""

import http.client
import json
import os
import random
import socket
import ssl
import struct
import sys
import time

GOSSIP = 6551
# What a node sends itself is heard by those alone who hear all.
ALL = 0x0003
TCP, UDP = 6, 17


def hear(file, seconds):
    """Datagrams and whole requests, sent and received."""
    line = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
    line.bind(("nuvol", ALL))
    line.settimeout(0.2)
    end = time.monotonic() + float(seconds)
    datagrams, streams = [], {}
    while time.monotonic() < end:
        try:
            packet = line.recv(4096)
        except TimeoutError:
            continue
        if packet[0] >> 4 != 6:
            continue
        kind, ports = packet[6], struct.unpack("!HH", packet[40:44])
        if kind == UDP and GOSSIP in ports:
            datagrams.append(packet[48:].hex())
        if kind == TCP and ports[1] == GOSSIP:
            number = struct.unpack("!I", packet[44:48])[0]
            said = packet[40 + (packet[52] >> 4) * 4 :]
            if said:
                # One that is sent again is the same.
                streams.setdefault((packet[8:40], ports), {})[number] = said
    requests = [b"".join(parts[at] for at in sorted(parts)) for parts in streams.values()]
    requests = [it.hex() for it in requests if len(it) == struct.unpack("!I", it[:4])[0] + 4]
    with open(file, "w") as kept:
        json.dump({"datagrams": datagrams, "requests": requests}, kept)
    print(len(datagrams), len(requests))


def spoilt(said):
    """The same with one byte changed."""
    at = random.randrange(len(said))
    return said[:at] + bytes([said[at] ^ 1 << random.randrange(8)]) + said[at + 1 :]


def datagrams(heard, addresses):
    line = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    count = 0
    for address in addresses:
        nonsense = [os.urandom(random.randrange(1400)) for _ in range(200)]
        for said in nonsense + heard * 2 + [spoilt(it) for it in heard]:
            line.sendto(said, (address, GOSSIP))
            count += 1
            if count % 50 == 0:
                # What overflows on the way is not heard by anybody.
                time.sleep(0.01)
    return count


def says(address, port, said, patience_s=2):
    """What comes back on a connection after these bytes."""
    answer = b""
    try:
        with socket.create_connection((address, port), timeout=patience_s) as stream:
            stream.sendall(said)
            stream.shutdown(socket.SHUT_WR)
            while more := stream.recv(4096):
                answer += more
    except OSError:
        pass
    return answer


def requests(heard, addresses):
    """How many of them were answered."""
    answered = 0
    length = struct.Struct("!I").pack
    for address in addresses:
        nonsense = [os.urandom(300), length(0xFFFFFFFF) + b"x", length(100) + b"short", length(0), b"\x00"]
        nonsense += [length(200) + os.urandom(200) for _ in range(10)]
        for said in nonsense + heard + [spoilt(it) for it in heard]:
            answered += bool(says(address, GOSSIP, said))
    return answered


def knock(address, kind, body):
    """The status with which the door for nodes that want to join answers."""
    trust_nobody = ssl._create_unverified_context()
    door = http.client.HTTPSConnection(address, 443, timeout=5, context=trust_nobody)
    try:
        door.request("POST", "/api/v1/community/knock", body, {"Content-Type": kind})
        return str(door.getresponse().status)
    except OSError as error:
        # One that has heard enough before all is sent hangs up.
        return type(error).__name__
    finally:
        door.close()


def doors(addresses):
    statuses = {}
    for address in addresses:
        tries = [("application/cbor", os.urandom(size)) for size in (0, 1, 50, 500, 1500)]
        tries += [("application/cbor", bytes([0x9F] * 400)), ("text/plain", b"x"), ("application/cbor", bytes(1 << 20))]
        for kind, body in tries:
            status = knock(address, kind, body)
            statuses[status] = statuses.get(status, 0) + 1
        for port in (80, 443, 655):
            for said in (os.urandom(2000), b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5000, b"\x16\x03\x01\xff\xff", b""):
                # The mesh says nothing to strangers, and hangs up after a while.
                says(address, port, said, 0.2 if port == 655 else 2)
    return statuses


def strike(file, *addresses):
    with open(file) as kept:
        heard = {key: [bytes.fromhex(it) for it in all] for key, all in json.load(kept).items()}
    mesh = [it for it in addresses if ":" in it]
    sent = datagrams(heard["datagrams"][-300:], mesh)
    answered = requests(heard["requests"][-20:], mesh)
    statuses = doors([it for it in addresses if it not in mesh])
    print(json.dumps({"datagrams": sent, "answered": answered, "doors": statuses}))


if __name__ == "__main__":
    {"hear": hear, "strike": strike}[sys.argv[1]](*sys.argv[2:])
