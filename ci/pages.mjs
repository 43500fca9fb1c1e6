// Looks at the pages that the agent's example serves: ADDRESS-OF-LIST FOLDER ADDRESS-OF-AGENT CLAIM-CODE [WORD...].
// See ci/pages.
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { launch, resolve } from "./browser.mjs";
import { live } from "./live.mjs";

const axe = readFileSync(resolve("axe-core/axe.min.js"), "utf8");

const [list, folder, agent, code, ...words] = process.argv.slice(2);
const origin = new URL(list).origin;
const paths = (await (await fetch(list)).text()).trim().split("\n");
const named = paths.map((path) => ({ path, ...Object.fromEntries(new URL(path, origin).searchParams) }));
const wanted = named.filter(({ sample }) => !words.length || words.some((word) => sample.includes(word)));

const WEIGHT_LIMIT = 60 * 1024;
const TARGET_LEAST = 44;
const TARGETS = "button, .button, summary, select, nav a, input:not([type=hidden]):not([type=radio]):not([type=checkbox]):not(.sr)";
const findings = [];
const note = (where, what) => findings.push(`${where}: ${what}`);

const browser = await launch();

// A page of its own, watched: what it asks for, what it weighs, what it complains about.
async function open(where, path, options) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const seen = { weight: new Map(), asked: [] };
  page.on("console", (line) => {
    // A page that refuses has a status that says so, which is no fault; Chromium complains of it all the same.
    const status = line.location().url === origin + path && line.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(line.type()) && !status) note(where, `console: ${line.text()}`);
  });
  page.on("pageerror", (error) => note(where, `script: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith("data:")) note(where, `asks elsewhere: ${url}`);
    if (request.headers()["hx-request"]) seen.asked.push(url);
  });
  page.on("response", async (response) => {
    const url = response.url();
    if (url.endsWith("/events") || response.request().headers()["hx-request"]) return;
    const body = await response.body().catch(() => Buffer.alloc(0));
    seen.weight.set(url, gzipSync(body).length);
  });
  await page.goto(origin + path, { waitUntil: "load" });
  return { context, page, seen };
}

async function measure(where, page) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) note(where, `${wide} px too wide`);
  const small = await page.evaluate(([selector, least]) => [...document.querySelectorAll(selector)]
    .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < least - 0.5)
    .map((element) => `${element.outerHTML.slice(0, 80)} (${Math.round(element.getBoundingClientRect().height)} px)`),
  [TARGETS, TARGET_LEAST]);
  small.forEach((one) => note(where, `hard to hit: ${one}`));
  const text = await page.content();
  if (text.includes("⟦missing⟧")) note(where, "has a missing message");
  const ids = await page.evaluate(() => [...document.querySelectorAll("[id]")].map((element) => element.id));
  const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
  if (twice.length) note(where, `ids that stand twice: ${twice}`);
}

// What a page's words and order are like, axe has to see once; what themes and widths change, in each of the two.
const ALL = { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
const LOOKS = { type: "rule", values: ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"] };

async function judge(where, page, runOnly) {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(axe);
  const { violations } = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), runOnly);
  for (const { id, impact, nodes } of violations) {
    const line = `axe ${impact}: ${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`;
    if (["serious", "critical"].includes(impact)) note(where, line);
    else console.log(`${where}: ${line}`);
  }
}

// In the other languages lengths differ, not colours. Where time is short, a page in English is seen small and light,
// wide and dark, and each page in one other language, of which nobody needs a picture.
const brief = process.env.NUVOL_PAGES === "brief";
const SMALL_LIGHT = [360, "light", ALL];
const WIDE_DARK = [1280, "dark", LOOKS];
const looks = (language) => {
  if (language !== "en") return [[360, "light"]];
  return brief ? [SMALL_LIGHT, WIDE_DARK] : [SMALL_LIGHT, [360, "dark"], WIDE_DARK, [1280, "light"]];
};

// One page in one language: fetched once, then looked at in each width and theme.
const weights = [];
async function visit({ path, sample, language }) {
  const name = `${sample}-${language}`;
  const { context, page, seen } = await open(name, path, { viewport: { width: 360, height: 800 } });
  for (const [width, colorScheme, rules] of looks(language)) {
    const where = `${name}-${width}-${colorScheme}`;
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await measure(where, page);
    if (language === "en" || !brief) {
      // As tall as the page: what stays at the screen's edge would stand in the middle of the picture.
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width, height: Math.max(height, 800) });
      await page.screenshot({ path: `${folder}/${where}.png`, fullPage: true });
    }
    if (rules) await judge(where, page, rules);
  }
  // Now that every answer has been read to its end.
  const weight = [...seen.weight.values()].reduce((sum, one) => sum + one, 0);
  if (weight > WEIGHT_LIMIT) note(name, `${weight} bytes are more than ${WEIGHT_LIMIT}`);
  weights.push([weight, name]);
  await context.close();
}

const samples = [...new Set(named.map(({ sample }) => sample))];
const other = (sample) => (samples.indexOf(sample) % 2 ? "es" : "ca");
const visits = wanted.filter(({ sample, language }) => !brief || language === "en" || language === other(sample));
const count = visits.length;
async function work() {
  for (let next = visits.shift(); next; next = visits.shift()) await visit(next);
}
// A real agent, whose page waits more than it computes, meanwhile.
const waiting = words.length ? undefined : live(browser, agent, code).catch((error) => note("live", error.message));
await Promise.all([work(), work(), waiting]);

// A change on the node arrives by itself, and whoever has the focus on a switch keeps it.
if (wanted.some(({ sample }) => sample === "services")) {
  const where = "focus";
  const { path } = named.find(({ sample, language }) => sample === "services" && language === "en");
  const { context, page, seen } = await open(where, path, { viewport: { width: 360, height: 800 } });
  await page.focus("#switch-icecast");
  const old = await page.$("#live");
  await page.waitForFunction((element) => !element.isConnected, old, { timeout: 5000 })
    .catch(() => note(where, "the page did not change by itself"));
  await page.waitForTimeout(200);
  if (!seen.asked.length) note(where, "the page was not asked for anew");
  const focus = await page.evaluate(() => document.activeElement?.id);
  if (focus !== "switch-icecast") note(where, `the focus went to \`${focus}\``);
  await context.close();
}

await browser.close();
weights.sort(([one], [other]) => other - one);
writeFileSync(`${folder}/weights.txt`, weights.map(([weight, where]) => `${weight} ${where}\n`).join(""));
console.log(`pages: ${count} looked at, the heaviest has ${weights[0]?.[0]} bytes (${weights[0]?.[1]})`);
for (const finding of findings) console.error(finding);
if (findings.length) {
  console.error(`pages: ${findings.length} findings`);
  process.exit(1);
}
