// A change is never missed, in a browser and by a real agent. See ci/pages.
import { connect, createServer } from "node:net";

const name = "Marta";
const password = "a long one for a visit";
// Browsers take a second or three to open another line.
const PATIENCE = 10_000;

// A wire to the agent that can be cut.
class Wire {
  ends = new Set();
  isCut = false;

  static async to(port) {
    const wire = new Wire();
    wire.server = createServer((near) => {
      if (wire.isCut) return near.destroy();
      const far = connect(port, "127.0.0.1");
      for (const [one, other] of [[near, far], [far, near]]) {
        wire.ends.add(one);
        one.on("error", () => {}).on("close", () => { wire.ends.delete(one); other.destroy(); }).pipe(other);
      }
    });
    await new Promise((listening) => wire.server.listen(0, "127.0.0.1", listening));
    return wire;
  }

  get port() {
    return this.server.address().port;
  }

  cut() {
    this.isCut = true;
    this.ends.forEach((end) => end.destroy());
  }

  mend() {
    this.isCut = false;
  }
}

// Claims the agent at this address, and changes something before, while and after its page listens.
export async function live(browser, address, code) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const wire = await Wire.to(new URL(address).port);
  const api = async (method, path, data) => {
    const answer = await context.request.fetch(`${address}/api/v1${path}`, { method, data });
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
  };
  // There is no helper: the operation fails at once, and the list of what was done has one more.
  const change = () => api("POST", "/node/power", { how: "reboot" });
  try {
    await api("POST", "/claim", { code, name, password });
    await api("POST", "/session", { name, password });
    const page = await context.newPage();
    const shows = (count, when) => page.waitForFunction(
      (wanted) => document.querySelectorAll("#history + ul > li").length === wanted, count, { timeout: PATIENCE },
    ).catch(() => { throw new Error(`${when}: the page does not show it`); });

    // Before its line is open the page hears nothing: it is held back until something has changed.
    let release;
    const held = new Promise((tell) => {
      page.route("**/events*", (route) => { release = () => route.continue(); tell(); }, { times: 1 });
    });
    await page.goto(`https://localhost:${wire.port}/logs`);
    await held;
    await change();
    release();
    await shows(1, "a change between page and line");

    await change();
    await shows(2, "a change while the line is open");

    wire.cut();
    await change();
    wire.mend();
    await shows(3, "a change between two lines");
    console.log("live: three changes, none missed");
  } finally {
    await context.close();
    wire.cut();
    wire.server.close();
  }
}
