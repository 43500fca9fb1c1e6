// Makes a running node somebody's by its pages, and uses it: ADDRESS CLAIM-CODE FOLDER. See ci/visit.
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/target/node/`);
const { chromium } = require("playwright-core");

const [address, code, folder] = process.argv.slice(2);
const password = "a long one for a visit";
// A machine under emulation takes its time.
const PATIENCE = 120_000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // In a container of CI there is one user, and Chromium's own sandbox refuses that one.
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});

function must(good, what) {
  if (!good) throw new Error(what);
}

async function visit(name, options, steps) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 360, height: 740 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  try {
    await steps(page);
    console.log(`visit: ${name}`);
  } catch (error) {
    await page.screenshot({ path: `${folder}/visit-failed.png`, fullPage: true }).catch(() => {});
    throw new Error(`${name}, at ${page.url()}: ${error.message}`);
  } finally {
    await context.close();
  }
}

const go = (page, path) => page.goto(new URL(path, address).href);
const send = (page) => page.locator("main form button").first().click();

async function signIn(page) {
  await go(page, "/sign-in");
  await page.fill("#name", "Marta");
  await page.fill("#password", password);
  await send(page);
  await page.waitForURL(new URL("/", address).href);
}

try {
  await visit("claimed, without scripts", { javaScriptEnabled: false }, async (page) => {
    await go(page, "/");
    await page.fill("#code", "AAAA-AAAA");
    await send(page);
    must(await page.locator("#code[aria-invalid]").count(), "a wrong code was not refused");
    await page.fill("#code", code);
    await send(page);
    await page.fill("#name", "Marta");
    await page.fill("#password", password);
    await page.fill("#again", password);
    await send(page);
    await page.waitForURL(/\/sign-in$/);
    await signIn(page);
    await page.screenshot({ path: `${folder}/visit-home.png`, fullPage: true });
  });
  await visit("a service switched on and off, live", {}, async (page) => {
    await signIn(page);
    for (const [on, state] of [["on", /^\s*On/], ["off", /^\s*Off/]]) {
      await go(page, "/services/icecast");
      await page.locator(`main form[action$="/switch"] button`).first().click();
      await page.waitForURL(/\/operations\//);
      // Nobody reloads: the page hears of it.
      await page.getByText("Done", { exact: false }).first().waitFor();
      await go(page, "/services/icecast");
      await page.locator("#live .word.big").filter({ hasText: state }).waitFor();
      await page.screenshot({ path: `${folder}/visit-${on}.png`, fullPage: true });
    }
    await go(page, "/services/icecast/log");
    must((await page.textContent("main")).length > 200, "icecast has no log");
  });
  await visit("nobody else gets in", {}, async (page) => {
    await go(page, "/services");
    await page.waitForURL(/\/sign-in$/);
    await go(page, "/claim");
    must(!(await page.locator("#code").count()), "it can be claimed twice");
  });
} finally {
  await browser.close();
}
