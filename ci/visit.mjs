// Makes a running node somebody's by its pages, and uses it: ADDRESS CLAIM-CODE FOLDER. See ci/visit.
import { launch, must, send, Visitor } from "./browser.mjs";

const [address, code, folder] = process.argv.slice(2);
const owner = { name: "Marta", password: "a long one for a visit" };
const browser = await launch();
// A machine under emulation takes its time.
const node = new Visitor(browser, { address, folder, title: "visit", patience_ms: 120_000 });

try {
  await node.visit("claimed, without scripts", async (page) => {
    await node.claim(page, code, owner);
    await node.signIn(page, owner);
    await page.screenshot({ path: `${folder}/visit-home.png`, fullPage: true });
  }, { javaScriptEnabled: false });
  await node.visit("a service switched on and off, live", async (page) => {
    await node.signIn(page, owner);
    for (const [on, state] of [["on", /^\s*On/], ["off", /^\s*Off/]]) {
      await node.go(page, "/services/icecast");
      await send(page, "/services/icecast/switch");
      await node.at(page, /\/operations\//);
      // Nobody reloads: the page hears of it.
      await page.getByText("Done", { exact: false }).first().waitFor();
      await node.go(page, "/services/icecast");
      await page.locator("#live .word.big").filter({ hasText: state }).waitFor();
      await page.screenshot({ path: `${folder}/visit-${on}.png`, fullPage: true });
    }
    await node.go(page, "/services/icecast/log");
    must((await page.textContent("main")).length > 200, "icecast has no log");
  });
  await node.visit("nobody else gets in", async (page) => {
    await node.go(page, "/services");
    await node.at(page, /\/sign-in$/);
    await node.go(page, "/claim");
    must(!(await page.locator("#code").count()), "it can be claimed twice");
  });
} finally {
  await browser.close();
}
