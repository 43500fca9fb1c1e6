// A change is never missed, in a browser and by a real agent: ADDRESS CLAIM-CODE. See ci/pages.
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";

const require = createRequire(`${process.cwd()}/target/node/`);
const { chromium } = require("playwright-core");

const [address, code] = process.argv.slice(2);
const name = "Marta";
const password = "a long one for a visit";
// Browsers take a second or three to open another line.
const PATIENCE = 10_000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // In a container of CI there is one user, and Chromium's own sandbox refuses that one.
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
const context = await browser.newContext({ ignoreHTTPSErrors: true });

async function api(method, path, data) {
  const answer = await context.request.fetch(`${address}/api/v1${path}`, { method, data });
  if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
}

// There is no helper: the operation fails at once, and the list of what was done has one more.
const change = () => api("POST", "/node/power", { how: "reboot" });

// The page reaches the agent through a wire that can be cut.
const wire = { ends: new Set(), cut: false };
const server = createServer((near) => {
  if (wire.cut) return near.destroy();
  const far = connect(new URL(address).port, "127.0.0.1");
  for (const [one, other] of [[near, far], [far, near]]) {
    wire.ends.add(one);
    one.on("error", () => {}).on("close", () => { wire.ends.delete(one); other.destroy(); }).pipe(other);
  }
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const cut = () => { wire.cut = true; wire.ends.forEach((end) => end.destroy()); };
const mend = () => { wire.cut = false; };

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
  await page.goto(`https://localhost:${server.address().port}/logs`);
  await held;
  await change();
  release();
  await shows(1, "a change between page and line");

  await change();
  await shows(2, "a change while the line is open");

  cut();
  await change();
  mend();
  await shows(3, "a change between two lines");
  console.log("live: three changes, none missed");
} finally {
  await browser.close();
  cut();
  server.close();
}
