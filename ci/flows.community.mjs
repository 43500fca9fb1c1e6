// What ci/flows does on the pages of the community, one after the other: the node is in none before, and in none after.
import { form, must, send } from "./browser.mjs";

const NAME = "Vall <de> Ràdio & Cia";
const SERVICE = "icecast";
const KIND = "_icecast._tcp";

export function community({ node, switched, fresh, row }) {
  // One flow makes it, the last one takes it.
  let invitation;
  const offers = (page) => page.locator('section[aria-labelledby="offers"] li');
  const found = async (page, query) => {
    await node.go(page, `/community${query}`);
    return offers(page).count();
  };
  // What a node offers is on its own page too as soon as the community knows it.
  async function offered(page, many) {
    for (let tries = 40; (await found(page, "")) !== many; tries -= 1) {
      must(tries, `${await offers(page).count()} services are offered instead of ${many}`);
      await page.waitForTimeout(100);
    }
  }
  async function seenBy(page, audience) {
    await node.go(page, `/services/${SERVICE}`);
    await page.locator(`[name=audience][value=${audience}]`).check();
    await send(page, `/services/${SERVICE}/audience`);
    await node.at(page, `/services/${SERVICE}`);
    must(await page.locator(`[name=audience][value=${audience}]`).isChecked(), `it is not seen by \`${audience}\``);
  }

  return {
    async "no invitation"(page) {
      await node.go(page, `/services/${SERVICE}`);
      must(await page.locator("[name=audience][value=community]").isDisabled(), "there is no community to offer to");
      await node.go(page, "/community");
      for (const nonsense of ["https://example.org/join", `nuvol:${"é".repeat(20)}`]) {
        await page.fill("#invitation", nonsense);
        await send(page, "/community/join");
        must(await page.locator("#invitation[aria-invalid]").count(), `\`${nonsense}\` counts as an invitation`);
        must(await page.locator("#invitation-error").count(), "nobody says what is wrong, next to the field");
        must((await page.inputValue("#invitation")) === nonsense, "the invitation has to be pasted again");
        must(!(await page.locator("#name[aria-invalid]").count()), "the other form is blamed");
      }
      await page.fill("#name", "a\u202eb");
      await send(page, "/community/found");
      must(await page.locator("#name-error").count(), "a name may have characters that do not show");
    },

    async "found a community"(page) {
      await node.go(page, "/community");
      await page.fill("#name", NAME);
      await send(page, "/community/found");
      await node.at(page, "/community");
      must((await page.textContent("h1")) === NAME, "it is called otherwise");
      must(!(await page.locator("#invitation, #name").count()), "one could join another");
      const members = page.locator('section[aria-labelledby="members"] li');
      must((await members.count()) === 1 && (await members.locator(".tag").count()) === 1, "one is no member");
      await members.locator("a").click();
      await node.at(page, /\/community\/[0-9a-f]{64}$/);
      const facts = await page.locator("#live .facts code").allTextContents();
      must(/^([a-z2-7]{4}-){5}[a-z2-7]{4}$/.test(facts[0]), `the fingerprint is \`${facts[0]}\``);
      must(/^fd[0-9a-f]{2}:/.test(facts[1]), `the address is \`${facts[1]}\``);
      must(!(await page.locator('form[action$="/expel"]').count()), "one could expel oneself");
    },

    async "invite a node"(page) {
      await node.go(page, "/community");
      must((await page.locator("[name=role]").count()) === 3, "a founder may not invite everybody");
      await page.locator("[name=role][value=guest]").check();
      await page.fill("#uses", "many");
      await page.fill("#note", "for Can Xirgu");
      await send(page, "/community/invite");
      must(await page.locator("#uses[aria-invalid]").count(), "a word counts as a number");
      must(await page.locator("#uses-error").count(), "nobody says what is wrong, next to the field");
      must((await page.inputValue("#note")) === "for Can Xirgu", "the note has to be typed again");
      must(await page.locator("[name=role][value=guest]").isChecked(), "the role has to be chosen again");
      await page.fill("#uses", "2");
      await send(page, "/community/invite");
      invitation = await fresh(page);
      must(/^nuvol:[\w-]{100,}$/.test(invitation), `the invitation is \`${invitation}\``);
      must(await page.locator(".fresh svg[viewBox]").count(), "there is nothing to scan");
      const listed = row(page, "invite", "for Can Xirgu");
      must((await listed.count()) === 1, "the invitation is not listed");
      await node.go(page, "/community");
      must(!(await page.content()).includes(invitation), "the invitation is shown twice");
      await listed.locator("button").click();
      await node.at(page, "/community");
      must(!(await listed.count()), "the invitation is still good");
    },

    async "offer a service"(page) {
      await switched(page, SERVICE, true);
      await seenBy(page, "household");
      must((await found(page, "")) === 0, "the community sees what is for the household");
      await seenBy(page, "community");
      await offered(page, 1);
      must((await found(page, "?q=ICECA&type=")) === 1, "it is not found by a part of its name");
      must((await found(page, `?q=&type=${KIND}`)) === 1, "it is not found by its type");
      must((await found(page, `?q=nothing+at+all&type=${KIND}`)) === 0, "it is found by what it is not");
      must((await page.inputValue("#q")) === "nothing at all", "what was looked for has to be typed again");
      must((await page.inputValue("#type")) === KIND, "the type has to be chosen again");
      await page.fill("#q", "icecast");
      await form(page, "/community").locator("button").click();
      await offers(page).first().waitFor();
      await offers(page).locator('a[href^="/community/"]').click();
      await node.at(page, /\/community\/[0-9a-f]{64}$/);
      const link = await offers(page).locator('a[href^="http"]').getAttribute("href");
      must(/^http:\/\/\[fd[0-9a-f:]+\]:8000\/$/.test(link), `the link is \`${link}\``);
    },

    async "take an offer back"(page) {
      await seenBy(page, "me");
      await offered(page, 0);
      await seenBy(page, "community");
      await offered(page, 1);
      // One that is off is offered to nobody.
      await switched(page, SERVICE, false);
      await offered(page, 0);
    },

    async "offer what is no node"(page) {
      const path = "/community/machines";
      const listed = () => page.locator('section[aria-labelledby="offered"] li');
      await node.go(page, "/community");
      await page.locator(`main a[href="${path}"]`).click();
      await node.at(page, path);
      await page.fill("#title", "Old <b>pages</b>");
      await page.fill("#type", "http");
      await page.fill("#host", "http://10.1.2.3/");
      await page.fill("#port", "eighty");
      await send(page, path);
      for (const field of ["type", "host", "port"]) {
        must(await page.locator(`#${field}-error`).count(), `nobody says what is wrong with the ${field}`);
        must(await page.locator(`#${field}[aria-invalid]`).count(), `the ${field} does not say so`);
      }
      must(!(await page.locator("#title-error").count()), "the title is blamed");
      must((await page.inputValue("#host")) === "http://10.1.2.3/", "the host has to be typed again");
      await page.fill("#type", "_http._tcp");
      await page.fill("#host", "10.1.2.3");
      await page.fill("#port", "80");
      await send(page, path);
      await node.at(page, path);
      must((await listed().count()) === 1, "it is not in the list");
      await offered(page, 1);
      must((await page.content()).includes("http://10.1.2.3:80/"), "the community has no link to it");
      // A file takes the place of what was there; one that does not fit comes back as text and can be mended there.
      await node.go(page, path);
      const file = (text) => ({ name: "records.json", mimeType: "application/json", buffer: Buffer.from(text) });
      await page.setInputFiles("#file", file('[{"s": "http", "i": "10.1.2.4"}]'));
      await send(page, `${path}/import`);
      must(await page.locator("#records-error").count(), "nobody says what is wrong with the file");
      const text = await page.inputValue("#records");
      must(text.includes("10.1.2.4"), "the file has to be found again");
      await page.fill("#records", text.replace("}", ', "p": "81", "d": "Newer_pages"}'));
      await send(page, `${path}/import`);
      await node.at(page, path);
      must((await listed().count()) === 1, "the old one is still there, or the new one is not");
      must((await listed().textContent()).includes("Newer pages"), "the file was not read");
      // A browser that sends more than is taken hears why.
      await page.setInputFiles("#file", file(" ".repeat(3 * 1024 * 1024)));
      await send(page, `${path}/import`);
      must(await page.locator("#records-error").count(), "nobody says that the file is too large");
      await node.go(page, path);
      const down = page.waitForEvent("download");
      await page.locator('main a[href="/community/export"]').click();
      must((await down).suggestedFilename() === "cloudy.json", "the file is called otherwise");
      await listed().locator("button").click();
      await node.at(page, path);
      must((await listed().count()) === 0, "it is offered still");
      await offered(page, 0);
    },

    async "leave a community"(page) {
      await node.go(page, "/community");
      await form(page, "/community/leave").locator("button").click();
      must((await page.textContent("main")).includes(NAME), "nobody says what is left");
      await page.locator('main a[href="/community"]').click();
      await node.at(page, "/community");
      must((await page.textContent("h1")) === NAME, "it was left without a yes");
      await form(page, "/community/leave").locator("button").click();
      await form(page, "/community/leave").locator("button.danger").click();
      await node.at(page, "/community");
      await page.locator("#invitation").waitFor();
      must(!(await page.locator('section[aria-labelledby="members"]').count()), "one is still a member");
    },

    async "call who invited"(page) {
      // Nobody lets this node in; whoever waits sees it, and may think better of it.
      await node.go(page, "/community");
      await page.fill("#invitation", `${invitation.slice(0, 60)} ${invitation.slice(60)} `);
      await send(page, "/community/join");
      await node.at(page, "/community");
      await page.locator("#stop-joining").click();
      await node.at(page, "/community");
      await page.locator("#stop-joining").waitFor({ state: "detached" });
      must(await page.locator("#invitation").count(), "there is no way to join another");
    },
  };
}
