// Does with a node all that its pages are for: ADDRESS CLAIM-CODE FOLDER yes|no (scripts) [FLOW...]. See ci/flows.
//
// Fields, addresses and roles are what it looks for, never sentences: those are in agent/languages.
import { form, launch, must, send, Visitor } from "./browser.mjs";
import { community } from "./flows.community.mjs";

const [address, code, folder, scripts, ...names] = process.argv.slice(2);
const owner = { name: "Marta", password: "a long one for a visit" };
const guest = { name: "Pau", password: "something else that is long" };
const browser = await launch();
const node = new Visitor(browser, {
  address,
  folder,
  title: scripts === "yes" ? "flows with scripts" : "flows without scripts",
  patience_ms: 15_000,
  options: { javaScriptEnabled: scripts === "yes" },
});

// The page of some work, until it has ended; without scripts people load it again.
async function ended(page, tone) {
  await node.at(page, /\/operations\/\d+(#.*)?$/);
  const result = page.locator(`#live .word.big.${tone}`);
  if (scripts === "yes") return result.waitFor();
  for (let tries = 60; !(await result.count()); tries -= 1) {
    must(tries, `the work does not end as \`${tone}\``);
    await page.waitForTimeout(250);
    await page.reload();
  }
}

// What is shown one time only.
const fresh = (page) => page.locator(".fresh code").textContent();
const toggle = (page, service) => page.locator(`#switch-${service}`);
const isOn = async (page, service) => (await toggle(page, service).getAttribute("aria-checked")) === "true";
const row = (page, section, text) => page.locator(`section[aria-labelledby="${section}"] li`).filter({ hasText: text });
// A page that comes back at a place inside is open already.
async function open(row) {
  if (!(await row.locator("details").first().evaluate((it) => it.open))) await row.locator("summary").first().click();
}

async function switched(page, service, on) {
  await node.go(page, `/services/${service}`);
  must((await isOn(page, service)) !== on, `${service} is ${on ? "on" : "off"} already`);
  await toggle(page, service).click();
  await ended(page, "good");
  await node.go(page, `/services/${service}`);
  must((await isOn(page, service)) === on, `${service} is not ${on ? "on" : "off"}`);
}

// Whoever has claimed the node stays signed in from flow to flow, until one begins with signing in.
let storageState;
const flows = {
  async claim(page) {
    await node.claim(page, code, owner);
    // A wrong password gets its word and keeps the name.
    await page.fill("#name", owner.name);
    await page.fill("#password", "not the right one");
    await send(page);
    must(await page.locator("[role=alert], .error").count(), "a wrong password was not refused");
    must((await page.inputValue("#name")) === owner.name, "the name has to be typed again");
    await node.signIn(page, owner);
    storageState = await page.context().storageState();
    await node.go(page, "/claim");
    must(!(await page.locator("#code").count()), "it can be claimed twice");
  },

  async people(page) {
    await node.go(page, "/people");
    await form(page, "/people/invite").locator("[value=guest]").check();
    await page.fill("#note", "for Pau");
    await send(page, "/people/invite");
    const invitation = await fresh(page);
    must(invitation.startsWith(node.url("/join/")), `the link is \`${invitation}\``);
    await node.visit("a person joins", async (theirs) => {
      await theirs.goto(invitation);
      await theirs.fill("#name", owner.name.toUpperCase());
      await theirs.fill("#password", guest.password);
      await theirs.fill("#again", guest.password);
      await send(theirs);
      must(await theirs.locator("#name[aria-invalid]").count(), "two people have one name");
      await theirs.fill("#name", guest.name);
      await theirs.fill("#password", guest.password);
      await theirs.fill("#again", `${guest.password}?`);
      await send(theirs);
      must(await theirs.locator("#again[aria-invalid]").count(), "two passwords count as one");
      await theirs.fill("#password", guest.password);
      await theirs.fill("#again", guest.password);
      await send(theirs);
      await node.at(theirs, "/sign-in");
      await node.signIn(theirs, guest);
      must(!(await theirs.locator('nav a[href="/people"]').count()), "a guest is shown people");
      await theirs.goto(invitation);
      must(!(await theirs.locator("#password").count()), "the link works twice");
    });
    await node.go(page, "/people");
    const pau = page.locator("li.person").filter({ hasText: guest.name });
    await open(pau);
    await pau.locator("select[name=role]").selectOption("member");
    // The page comes back as it was, at the same address.
    await Promise.all([page.waitForEvent("load"), pau.locator('form[action*="/role#"] button').click()]);
    await open(pau);
    must((await pau.locator("select[name=role]").inputValue()) === "member", "the role did not change");
    // Their password is forgotten: a link makes another one.
    await pau.locator('form[action$="/reset"] button').click();
    const reset = await fresh(page);
    await node.visit("a new password by a link", async (theirs) => {
      await theirs.goto(reset);
      await theirs.fill("#password", `${guest.password} now`);
      await theirs.fill("#again", `${guest.password} now`);
      await send(theirs);
      await node.at(theirs, "/sign-in");
      await node.signIn(theirs, { ...guest, password: `${guest.password} now` });
      await node.go(page, "/people");
      await open(pau);
      await pau.locator('form[action$="/remove"] button').click();
      // Asked once more, and the thing is named.
      must((await page.textContent("h1")).includes(guest.name), "nobody says who is removed");
      await form(page).locator("button.danger").click();
      await node.at(page, "/people");
      must(!(await page.locator("li.person").filter({ hasText: guest.name }).count()), "who was removed is still there");
      await node.go(theirs, "/account");
      await node.at(theirs, "/sign-in");
    });
    // An invitation that nobody takes is taken back.
    await form(page, "/people/invite").locator("[value=member]").check();
    await page.fill("#note", "for nobody");
    await send(page, "/people/invite");
    await row(page, "invitations", "for nobody").locator("button").click();
    await node.at(page, "/people");
    must(!(await row(page, "invitations", "for nobody").count()), "the invitation is still open");
  },

  async tokens(page) {
    await node.go(page, "/account");
    await open(page.locator('section[aria-labelledby="tokens"]'));
    await page.fill("#title", "a script");
    for (const chosen of await page.locator("[name=scopes]:checked").all()) await chosen.uncheck();
    await send(page, "/account/tokens");
    must(await page.locator("#scopes-error").count(), "a token without scopes was made");
    must((await page.inputValue("#title")) === "a script", "the title has to be typed again");
    await page.locator("[name=scopes][value=read]").check();
    await send(page, "/account/tokens");
    const token = await fresh(page);
    const ask = () => page.request.get(node.url("/api/v1/services"), {
      headers: { authorization: `Bearer ${token}`, cookie: "" },
    });
    must((await ask()).status() === 200, "the token opens nothing");
    await node.go(page, "/account");
    await row(page, "tokens", "a script").locator("button").click();
    await node.at(page, "/account");
    must(!(await row(page, "tokens", "a script").count()), "the token is still listed");
    must((await ask()).status() === 401, "the token still opens");
  },

  async services(page) {
    await switched(page, "icecast", true);
    await node.go(page, "/network");
    await page.locator('#live a[href="/services/icecast"]').first().waitFor();
    await switched(page, "icecast", false);
    // One that does not start says so, and is off.
    await node.go(page, "/services/mumble");
    await toggle(page, "mumble").click();
    await ended(page, "bad");
    must((await page.locator("#live .why").count()) === 1, "nobody says why it does not start");
    await node.go(page, "/services/mumble");
    must(!(await isOn(page, "mumble")), "what did not start is on");
    await node.go(page, "/logs");
    must((await page.locator('#live a[href^="/operations/"]').count()) >= 3, "the work is not listed");
    await node.go(page, "/services/icecast/log");
    must(await page.locator("h1").count(), "there is no page of the log");
    await node.go(page, "/logs/report");
    must((await page.textContent("main")).includes("icecast"), "the report knows no services");
    // By which one may be here: asked once more.
    await node.go(page, "/services/ssh");
    await toggle(page, "ssh").click();
    await form(page, "/services/ssh/switch").locator("button.danger").waitFor();
    await page.locator('main a[href="/services/ssh"]').click();
    await node.at(page, "/services/ssh");
    must(await isOn(page, "ssh"), "it was switched off without a yes");
  },

  ...community({ node, switched, fresh, row }),

  async settings(page) {
    await node.go(page, "/services/icecast");
    const save = () => send(page, "/services/icecast/settings");
    await page.fill("#set-location", "Valley");
    await page.fill("#set-listeners", "many");
    await save();
    must(await page.locator("#set-listeners[aria-invalid]").count(), "a word counts as a number");
    must(await page.locator("#listeners-error").count(), "nobody says what is wrong, next to the field");
    must((await page.inputValue("#set-location")) === "Valley", "what was right has to be typed again");
    await node.go(page, "/services/icecast");
    must((await page.inputValue("#set-location")) !== "Valley", "half of the settings were saved");
    await page.fill("#set-location", 'Valley "of" $five & <six>');
    await page.fill("#set-listeners", "7");
    await save();
    await ended(page, "good");
    await node.go(page, "/services/icecast");
    must((await page.inputValue("#set-location")) === 'Valley "of" $five & <six>', "the text is another one");
    must((await page.inputValue("#set-listeners")) === "7", "the number is another one");
    await node.go(page, "/services/transmission");
    await page.locator("[name=encryption][value=required]").check();
    await send(page, "/services/transmission/settings");
    await ended(page, "good");
    await node.go(page, "/services/transmission");
    must(await page.locator("[name=encryption][value=required]").isChecked(), "the choice is another one");
  },

  async "a name on trial"(page) {
    const rename = async (name) => {
      await node.go(page, "/network");
      await page.fill("#name", name);
      await send(page, "/settings/name");
    };
    const trial = page.locator("#live .trial");
    await rename("not a name!");
    must(await page.locator("#name[aria-invalid]").count(), "this counts as a name");
    await rename("attic");
    await ended(page, "good");
    await trial.waitFor();
    await page.click("#trial-back");
    await node.at(page, "/");
    for (let tries = 40; await trial.count(); tries -= 1) {
      must(tries, "the old name does not come back");
      await page.waitForTimeout(250);
      await node.go(page, "/network");
    }
    await node.go(page, "/network");
    must((await page.inputValue("#name")) !== "attic", "the name was not put back");
    await rename("attic");
    await ended(page, "good");
    await trial.waitFor();
    await page.click("#trial-keep");
    await node.at(page, "/");
    await node.go(page, "/network");
    must(!(await trial.count()), "it is still on trial");
    must((await page.inputValue("#name")) === "attic", "the name was not kept");
  },

  async language(page) {
    await node.go(page, "/settings");
    const language = () => page.locator("html").getAttribute("lang");
    must((await language()) === "en", "it does not begin in the browser's language");
    const english = await page.textContent("h1");
    await form(page, "/language").locator("[value=ca]").click();
    await node.at(page, "/settings");
    must((await language()) === "ca" && (await page.textContent("h1")) !== english, "it is not in Catalan");
    await page.locator("footer button[value=es]").click();
    await node.at(page, "/settings");
    must((await language()) === "es", "it is not in Spanish");
  },

  async power(page) {
    await node.go(page, "/settings");
    await form(page, "/power").locator("[value=reboot]").click();
    await page.locator('main a[href="/settings"]').click();
    await node.at(page, "/settings");
    await form(page, "/power").locator("[value=reboot]").click();
    await form(page, "/power").locator("button.danger").click();
    await ended(page, "good");
  },

  async "sign out"(page) {
    await node.signIn(page, owner);
    await node.go(page, "/account");
    await send(page, "/sign-out");
    await node.at(page, "/sign-in");
    await node.go(page, "/people");
    await node.at(page, "/sign-in");
  },

  async sessions(page) {
    await node.signIn(page, owner);
    await node.visit("another browser is signed out from here", async (other) => {
      await node.signIn(other, owner);
      await node.go(page, "/account");
      const others = page.locator('form[action^="/account/sessions/"]');
      const before = await others.count();
      must(before >= 1, "the other session is not listed");
      // Of all that are left over from before, too.
      for (let left = before; left; left -= 1) {
        must((await others.count()) === left, `${await others.count()} sessions instead of ${left}`);
        await others.first().locator("button").click();
        await node.at(page, "/account");
      }
      must(!(await others.count()), "a session is still there");
      await node.go(other, "/account");
      await node.at(other, "/sign-in");
    });
  },

  async password(page) {
    await node.signIn(page, owner);
    await node.go(page, "/account");
    const change = async (old, password) => {
      await page.fill("#old", old);
      await page.fill("#password", password);
      await page.fill("#again", password);
      await send(page, "/account/password");
    };
    await change("not the right one", `${owner.password} now`);
    must(await page.locator("#old[aria-invalid]").count(), "a wrong password changed the password");
    await change(owner.password, "short");
    must(await page.locator("#password[aria-invalid]").count(), "a short password was taken");
    await change(owner.password, `${owner.password} now`);
    await node.at(page, "/account");
    must(!(await page.locator("[aria-invalid]").count()), "the password did not change");
    owner.password = `${owner.password} now`;
    await node.visit("the new password counts", (other) => node.signIn(other, owner));
  },
};

try {
  // Without a claim there is nobody to do the others.
  const wanted = ([name]) => !names.length || name === "claim" || names.includes(name);
  for (const [name, flow] of Object.entries(flows).filter(wanted)) await node.visit(name, flow, { storageState });
} finally {
  await browser.close();
}
