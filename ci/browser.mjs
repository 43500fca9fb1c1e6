// What ci/pages, ci/visit and ci/flows share: the browser, and how one gets into a node.
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/target/node/`);
const { chromium } = require("playwright-core");
export const resolve = (name) => require.resolve(name);

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // In a container of CI there is one user, and Chromium's own sandbox refuses that one.
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});

export function must(good, what) {
  if (!good) throw new Error(what);
}

// A node's pages in a browser: `title` names the run, `folder` takes the picture of a failure.
export class Visitor {
  constructor(browser, { address, title, folder, patience_ms, options = {} }) {
    Object.assign(this, { browser, address, title, folder, patience_ms, options });
  }

  // Steps in a browser that nobody has used before.
  async visit(name, steps, options = {}) {
    const narrow = { ignoreHTTPSErrors: true, viewport: { width: 360, height: 740 } };
    const context = await this.browser.newContext({ ...narrow, ...this.options, ...options });
    context.setDefaultTimeout(this.patience_ms);
    const page = await context.newPage();
    const since = Date.now();
    try {
      await steps(page);
      console.log(`${this.title}: ${name} (${((Date.now() - since) / 1000).toFixed(1)} s)`);
    } catch (error) {
      const file = `${this.folder}/${this.title.replace(/\W+/g, "-")}-failed.png`;
      await page.screenshot({ path: file, fullPage: true }).catch(() => {});
      throw new Error(`${this.title}: ${name}, at ${page.url()}: ${error.message}`);
    } finally {
      await context.close();
    }
  }

  url(path) {
    return new URL(path, this.address).href;
  }

  go(page, path) {
    return page.goto(this.url(path));
  }

  at(page, path) {
    // What the address says beyond the path is the page's own matter.
    const is = (url) => url.origin + url.pathname === this.url(path);
    return page.waitForURL(path instanceof RegExp ? path : is);
  }

  async claim(page, code, { name, password }) {
    await this.go(page, "/");
    await page.fill("#code", "AAAA-AAAA");
    await send(page);
    must(await page.locator("#code[aria-invalid]").count(), "a wrong code was not refused");
    await page.fill("#code", code);
    await send(page);
    await page.fill("#name", name);
    await page.fill("#password", password);
    await page.fill("#again", password);
    await send(page);
    await this.at(page, /\/sign-in$/);
  }

  async signIn(page, { name, password }) {
    await page.context().clearCookies();
    await this.go(page, "/sign-in");
    await page.fill("#name", name);
    await page.fill("#password", password);
    await send(page);
    await this.at(page, "/");
  }
}

// The page's own form, or the one that goes to `action`, whatever place of the next page it names.
export const form = (page, action) =>
  page.locator(action ? `main form[action="${action}"], main form[action^="${action}#"]` : "main form").first();
export const send = (page, action) => form(page, action).locator("button").first().click();
