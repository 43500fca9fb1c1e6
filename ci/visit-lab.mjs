// Brings a new node into a community by its pages: ADDRESS CLAIM-CODE FOLDER PROXY NEIGHBOUR... See ci/visit-lab.
//
// The invitation is in NUVOL_INVITATION; the first neighbour made it and offers a web site. PROXY leads into the node:
// what a browser there would reach.
import { form, launch, must, send, Visitor } from "./browser.mjs";

const [address, code, folder, server, ...neighbours] = process.argv.slice(2);
const invitation = process.env.NUVOL_INVITATION;
const owner = { name: "Marta", password: "a long one for a visit" };
const browser = await launch();
// A machine under emulation takes its time, all the more beside others.
const node = new Visitor(browser, { address, folder, title: "visit-lab", patience_ms: 240_000 });

// The whole page on a screen as high as that: what stays at a screen's edge would lie across the middle.
async function picture(page, name) {
  const size = page.viewportSize();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ ...size, height });
  await page.screenshot({ path: `${folder}/${name}.png` });
  await page.setViewportSize(size);
}
const section = (page, name) => page.locator(`section[aria-labelledby="${name}"]`);
const member = (page, name) =>
  section(page, "members").locator("li.person").filter({ has: page.getByRole("link", { name, exact: true }) });
const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;
// Whatever a page is asked to do: what follows is a page of its own.
const done = (page) => page.locator("#live .word.big.good").first().waitFor();

// Whoever has claimed the node stays signed in.
let storageState;
const signedIn = (name, steps, options = {}) => node.visit(name, steps, { storageState, ...options });

try {
  await node.visit("claimed", async (page) => {
    await node.claim(page, code, owner);
    await node.signIn(page, owner);
    storageState = await page.context().storageState();
  });

  await signedIn("joined by an invitation that was pasted", async (page) => {
    await node.go(page, "/community");
    await picture(page, "1-before");
    await page.fill("#invitation", `${invitation.slice(0, -4)}AAAA`);
    await send(page, "/community/join");
    must(await page.locator("#invitation[aria-invalid]").count(), "a spoilt invitation was not refused");
    await picture(page, "2-spoilt");
    await page.fill("#invitation", invitation);
    const pasted = Date.now();
    await send(page, "/community/join");
    // Nobody reloads: the page hears of it.
    await section(page, "members").waitFor();
    const joined = seconds(pasted);
    await picture(page, "3-joined");
    // What only a visitor without a community needs is of no use any more.
    await form(page, "/community/join").waitFor({ state: "detached" });
    const told = [];
    await Promise.all(neighbours.map(async (name) => {
      await member(page, name).locator(".word.good").waitFor();
      told.push(`${seconds(pasted)} until ${name} answers`);
    }));
    await picture(page, "4-reached");
    console.log(`join time for a person: ${joined} until it is a member, ${told.join(", ")}`);
  });

  await signedIn("what another home offers is found", async (page) => {
    await node.go(page, "/community");
    await section(page, "offers").locator('a[href^="http://[fd"]').first().waitFor();
    await page.fill("#q", "web");
    await form(page, "/community").locator("button").click();
    await section(page, "offers").locator('a[href^="http://[fd"]').first().waitFor();
    await picture(page, "5-found");
    await member(page, neighbours[0]).getByRole("link", { name: neighbours[0], exact: true }).click();
    await node.at(page, /\/community\/[0-9a-f]+$/);
    must((await page.textContent("h1")) === neighbours[0], "this is the page of somebody else");
    const links = await section(page, "offers").locator(".address a").all();
    must(links.length === 1, `${neighbours[0]} offers ${links.length} things`);
    const link = await links[0].getAttribute("href");
    must(/^http:\/\/\[fd[0-9a-f:]+\]:8080\/$/.test(link), `the link is \`${link}\``);
    await picture(page, "6-provider");
  });

  await signedIn("and used, from the node", async (page) => {
    await node.go(page, "/community");
    await section(page, "offers").locator('a[href^="http://[fd"]').first().click();
    await node.at(page, /^http:\/\/\[fd[0-9a-f:]+\]:8080\/$/);
    must((await page.title()) === "The mill", `it is \`${await page.title()}\``);
  }, { proxy: { server } });

  await signedIn("a service is switched on and offered", async (page) => {
    await node.go(page, "/services/nginx");
    await page.locator("#switch-nginx").click();
    await node.at(page, /\/operations\/\d+(#.*)?$/);
    await done(page);
    await node.go(page, "/services/nginx");
    await done(page);
    const audience = form(page, "/services/nginx/audience");
    await audience.locator("[value=community]").check();
    await Promise.all([page.waitForEvent("load"), audience.locator("button").click()]);
    await node.go(page, "/services/nginx");
    must(await audience.locator("[value=community]").isChecked(), "it is offered to somebody else");
    await picture(page, "7-service");
    await node.go(page, "/community");
    await section(page, "offers").locator("li").nth(1).waitFor();
    await picture(page, "8-community");
  });

  await signedIn("the same on a large screen", async (page) => {
    await node.go(page, "/community");
    await section(page, "offers").locator("li").nth(1).waitFor();
    await picture(page, "9-community-wide");
  }, { viewport: { width: 1280, height: 800 } });
} finally {
  await browser.close();
}
