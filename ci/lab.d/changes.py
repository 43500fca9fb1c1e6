"""Has a node's web site seen by others and by none, without a pause, until a file says that this is enough. Only ci/lab
runs this, inside a node: changes.py TOKEN COOKIE FILE

Each time that the agent dies over it, looks what is in force then: what was acknowledged last, or what was just asked
for. Prints how often it changed something, how often the agent died meanwhile, and what was acknowledged last.
"""

import http.client
import os
import re
import ssl
import sys
import time

SERVICE = "/services/nginx"
PATIENCE_S = 30


class Node:
    """Its own agent, over one connection that is opened again when it breaks."""

    def __init__(self, token, cookie):
        self.token = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.cookie = {"Cookie": cookie}
        self.door = None

    def ask(self, method, path, headers, body=None):
        """The answer's status and text; OSError where it breaks off."""
        if not self.door:
            trust_nobody = ssl._create_unverified_context()
            self.door = http.client.HTTPSConnection("127.0.0.1", timeout=20, context=trust_nobody)
        try:
            self.door.request(method, path, body, headers)
            answer = self.door.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self.door.close()
            self.door = None
            raise OSError("it broke off") from error

    def publish(self, audience):
        status, text = self.ask("PUT", f"/api/v1{SERVICE}/audience", self.token, f'{{"audience": "{audience}"}}')
        if status != 204:
            sys.exit(f"`{audience}` is refused: {status} {text}")

    def audience(self):
        """As its page says, as soon as there is one again."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                _, page = self.ask("GET", SERVICE, self.cookie)
                if found := re.search('name="audience" value="([a-z]*)" checked', page):
                    return found[1]
            except OSError:
                pass
            if time.monotonic() > end:
                sys.exit("it does not come back")
            time.sleep(0.05)


def main(token, cookie, enough):
    node = Node(token, cookie)
    last = node.audience()
    changed = died = 0
    wishes = ["community", "me", "household"]
    while not os.path.exists(enough):
        wish = wishes[(wishes.index(last) + 1) % 3]
        try:
            node.publish(wish)
            changed, last = changed + 1, wish
        except OSError:
            died += 1
            found = node.audience()
            if found not in (last, wish):
                sys.exit(f"after `{last}`, and perhaps `{wish}`, it is `{found}`")
            last = found
    print(changed, died, last)


main(*sys.argv[1:])
