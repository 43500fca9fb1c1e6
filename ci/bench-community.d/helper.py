"""The helpers of all nodes, which only pretend: helper.py SOCKET... answers at each of them.

A node joins no community without a key for its mesh. Here each gets one of the right form, of which nobody has the
secret half; whatever else is asked is done at once. The network is there without any of it.
"""

import asyncio
import base64
import json
import os
import sys

# The longest request brings all members (`MESH_LIMIT_BYTES` of the helper's protocol).
LIMIT = 6 << 20


def mesh_key():
    """An RSA public key of 2048 bits in DER, as base64."""
    modulus = bytes([0, 0x80 | os.urandom(1)[0]]) + os.urandom(254) + bytes([os.urandom(1)[0] | 1])
    number = bytes([0x02, 0x82, *len(modulus).to_bytes(2, "big")]) + modulus
    both = number + bytes([0x02, 3, 1, 0, 1])
    return base64.b64encode(bytes([0x30, 0x82, *len(both).to_bytes(2, "big")]) + both).decode()


def outcome(verb, key):
    match verb:
        case "mesh-key":
            return {"mesh-key": {"key": key}}
        case "mesh-status":
            return {"mesh": {"running": True, "peers": [], "strangers": []}}
        case _:
            return "nothing"


async def serve(socket):
    key = mesh_key()

    async def answer(reader, writer):
        verb = json.loads(await reader.readline())["verb"]
        writer.write(json.dumps({"done": outcome(verb, key)}).encode() + b"\n")
        await writer.drain()
        writer.close()

    await asyncio.start_unix_server(answer, socket, limit=LIMIT)


async def main():
    for socket in sys.argv[1:]:
        await serve(socket)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
