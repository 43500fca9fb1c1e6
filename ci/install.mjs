// Answers the installer's questions on a serial line as a person does: node ci/install.mjs SOCKET LOG
import { appendFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

const [socket, log] = process.argv.slice(2);
// What is waited for, and what is typed then. GRUB takes a letter, all others a line.
const talk = [
	["install on a disk (i)", "i"],
	["Number of the disk", "1\r"],
	["1  Preserve:", ""],
	["1 or 2 (b: back): ", "b\r"],
	["Number of the disk", "1\r"],
	["1 or 2 (b: back): ", "1\r"],
	["Name of the node", "\r"],
	["its data stay", ""],
	["four or more characters of `NUVOL-TARGET`", "wrong\r"],
	["Nothing was written", ""],
	["four or more characters of `NUVOL-TARGET`", "nuvol-t\r"],
	["written and read back", ""],
	["Take the medium out", "\r"],
];
const patience = 600_000;

let seen = "";
let ended = false;
writeFileSync(log, "");
let line;
for (let tries = 0; !line; tries++) {
	line = await new Promise((found) => {
		const one = connect(socket, () => found(one)).on("error", () => found(undefined));
	});
	if (!line && tries > 100) throw new Error(`nobody listens at ${socket}`);
	if (!line) await wait(100);
}
line.on("data", (bytes) => {
	seen += bytes;
	appendFileSync(log, bytes);
});
line.on("close", () => (ended = true));
for (const [text, answer] of talk) {
	const since = Date.now();
	while (!seen.includes(text)) {
		if (ended || Date.now() - since > patience) {
			console.error(`no "${text}" on the serial line`);
			process.exit(1);
		}
		await wait(100);
	}
	seen = seen.slice(seen.indexOf(text) + text.length);
	if (answer) line.write(answer);
}
while (!ended) await wait(100);
