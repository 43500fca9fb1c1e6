// What pages cannot do without a script. Everything else works without one.
"use strict";

// Copying works in secure contexts only: the buttons appear where it does.
if (navigator.clipboard && window.isSecureContext) {
  document.documentElement.classList.add("can-copy");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    return;
  }
  const word = button.querySelector("span");
  const before = word.textContent;
  if (before === button.dataset.done) return;
  word.textContent = button.dataset.done;
  say(button.dataset.done);
  setTimeout(() => { word.textContent = before; }, 2000);
});

// Tells those who hear the page what has changed, once and politely.
function say(text) {
  const said = document.getElementById("said");
  if (said && said.textContent !== text) said.textContent = text;
}

let last = document.getElementById("live")?.dataset.said;
const whole = () => document.querySelector("#live [data-whole]")?.dataset.whole;
const before = whole();
document.addEventListener("htmx:afterSettle", () => {
  // More of the page than its live part is another one now.
  if (whole() !== before) return window.location.reload();
  const now = document.getElementById("live")?.dataset.said;
  if (now && now !== last) say(now);
  last = now;
});

// The session has ended, or the page is gone: show it whole, with its words and its way out.
document.addEventListener("htmx:responseError", (event) => {
  if ([401, 403, 404].includes(event.detail.xhr.status)) window.location.reload();
});

// A page that comes back from sleep, or from the browser's memory, is asked for anew.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, 3000);
});
