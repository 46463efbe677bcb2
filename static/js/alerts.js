// The live dashboard: alerts as they come, and after a lost connection those that were missed.

import { feed } from "./feed.js";
import { fits } from "./fits.js";
import { byId, csrf, toast } from "./shared.js";

const board = document.getElementById("alerts");
const shown = board.dataset.status;
let since = board.dataset.now;

// Alerts of which something was said here that is not answered yet.
const asked = new Set();
for (const [name, change] of [["htmx:beforeRequest", "add"], ["htmx:afterRequest", "delete"]]) {
  document.addEventListener(name, (event) => {
    const card = event.detail.target.closest?.(".alert");
    if (card) asked[change](card.id.replace("alert-", ""));
  });
}

function show(message) {
  if (message.kind === "gone") { vanish(byId(`alert-${message.id}`)); return; }
  if (message.at > since) since = message.at;
  // The answer to what was said here brings the card, and knows where it stood.
  if (asked.has(String(message.id))) return;
  const old = document.getElementById(`alert-${message.id}`);
  // A note being typed is not thrown away by a newer capture.
  if (old?.querySelector("input[name=note]")?.matches(":focus:not(:placeholder-shown)")) return;
  // A card on which somebody else has decided stays where it is, and says so, until the page is opened anew.
  const holder = document.createElement("template");
  holder.innerHTML = message.html.trim();
  const card = holder.content.firstElementChild;
  if (old || ((shown === "all" || shown === message.status) && fits(board.dataset, card.dataset, card.textContent))) {
    if (old) {
      // What somebody has typed or marked on it stays.
      card.querySelector(".pick").checked = old.querySelector(".pick").checked;
      for (const name of ["note", "reason"]) {
        const [fresh, typed] = [card, old].map((one) => one.querySelector(`[name=${name}]`));
        if (fresh && typed) fresh.value = typed.value;
      }
      const wasAt = old.contains(document.activeElement), wasWriting = wasAt && document.activeElement.matches("[name=note]");
      old.replaceWith(card);
      if (wasAt) (wasWriting ? card.querySelector("[name=note]") : card).focus();
    } else {
      board.prepend(card);
      card.classList.add("arrived", "unread");
      if (!card.dataset.quiet) ring();
    }
    htmx.process(card);
  }
  count();
}

// It became part of another alert; what somebody writes on it is not thrown away.
function vanish(card) {
  if (!card || card.querySelector("[name=note]")?.value) return;
  card.remove();
  mark();
  count();
}

// A sound with each new alert, where somebody asked for it.
const sound = document.getElementById("sound");
let tone;

function ring() {
  if (sound.getAttribute("aria-pressed") !== "true" || !tone) return;
  for (const [at, pitch] of [[0, 880], [0.18, 660]]) {
    const wave = new OscillatorNode(tone, { frequency: pitch });
    const level = new GainNode(tone, { gain: 0.2 });
    wave.connect(level).connect(tone.destination);
    wave.start(tone.currentTime + at);
    wave.stop(tone.currentTime + at + 0.15);
  }
  sound.dataset.rung = Number(sound.dataset.rung || 0) + 1;
}

function setSound(on) {
  if (on) tone ||= new AudioContext();
  sound.setAttribute("aria-pressed", String(on));
  localStorage.setItem("sound", on ? "on" : "");
}

sound.addEventListener("click", () => { setSound(sound.getAttribute("aria-pressed") !== "true"); ring(); });
setSound(localStorage.getItem("sound") === "on");

// Where the keys are: a card by its id, and its place, so that they stay there when it is drawn anew or leaves.
let at = "", place = -1;
const cards = () => [...board.querySelectorAll(".alert")];

function goTo(card) {
  if (!card) return;
  at = card.id;
  place = cards().indexOf(card);
  card.focus();
  card.scrollIntoView({ block: "nearest" });
}

// The card where the keys are, or the one that stands now where it stood.
function current() {
  const all = cards();
  return all.find((card) => card.id === at) || all[Math.min(Math.max(place, 0), all.length - 1)];
}

board.addEventListener("focusin", (event) => {
  const card = event.target.closest(".alert");
  if (card) { at = card.id; place = cards().indexOf(card); }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches("[name=note]")) { event.target.blur(); goTo(current()); return; }
  if (event.target.closest("input:not([type=checkbox]), textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = cards();
  const step = { j: 1, k: -1 }[event.key];
  const card = at && all.find((one) => one.id === at);
  if (step) {
    event.preventDefault();
    // The first press begins at the first one; where a card has left, the next one stands in its place.
    const now = card ? all.indexOf(card) + step : Math.max(place, 0);
    goTo(all[Math.max(0, Math.min(all.length - 1, now))]);
  } else if (event.key === "u" && !card?.querySelector('[data-key="u"]')) {
    undo();
  } else if (card && event.key === "o") {
    card.querySelector(".person a").click();
  } else if (card && event.key === "x") {
    card.querySelector(".pick").click();
  } else if (card && event.key === "m") {
    event.preventDefault();
    card.querySelector("[name=note]").focus();
  } else if (card) {
    card.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  }
});

// Where a collection asks why, the note is asked for before anything is sent.
board.addEventListener("htmx:confirm", (event) => {
  const form = event.target, card = form.closest(".alert");
  const word = event.detail.triggeringEvent?.submitter?.value;
  if (!card?.dataset.why || !["confirmed", "dismissed"].includes(word)) return;
  if (form.elements.note.value.trim() || form.elements.reason?.value) return;
  event.preventDefault();
  toast("Say why: choose a reason or write a note.");
  form.elements.note.focus();
});

// What was decided here leaves the board, the latest last, and comes back where it stood.
const gone = [];

document.addEventListener("htmx:afterSettle", (event) => {
  const card = event.detail.elt;
  if (!card.matches?.(".alert")) return;
  const mine = card.id === at;
  if (leaves(card)) leave([card]);
  if (mine) goTo(current());
});

function leaves(card) {
  return shown !== "all" && !card.classList.contains(shown);
}

function leave(left) {
  const all = cards();
  gone.push(left.map((card) => ({ id: card.id.replace("alert-", ""), before: all.slice(all.indexOf(card) + 1).find((one) => !left.includes(one))?.id })));
  const word = left[0].querySelector(".status:last-child")?.textContent || "Decided";
  const who = left.length === 1 ? left[0].querySelector(".person a").textContent : `${left.length} alerts`;
  for (const card of left) card.remove();
  byId("decided").firstElementChild.textContent = `${who}: ${word}.`;
  byId("decided").hidden = false;
  mark();
  count();
  if (board.dataset.more && !cards().length) more();
}

// The next ones, where all that were shown are decided.
async function more() {
  await htmx.ajax("GET", location.href, { target: board, select: "#alerts > .alert", swap: "innerHTML" });
  place = 0;
  goTo(current());
}

async function undo() {
  const last = gone.pop();
  if (!last) return;
  const back = await decide(last.map((one) => one.id), { status: "new" });
  if (!back) { gone.push(last); return; }
  const order = back.toReversed();
  for (const card of order) {
    const was = last.find((one) => `alert-${one.id}` === card.id);
    byId(card.id)?.remove();
    board.insertBefore(card, byId(was?.before) || null);
    htmx.process(card);
  }
  byId("decided").hidden = !gone.length;
  byId("decided").firstElementChild.textContent = "Taken back.";
  count();
  goTo(order.at(-1));
}

byId("undo").addEventListener("click", undo);

// One word on some alerts, by their ids; gives their cards, or nothing where it was refused.
async function decide(ids, said) {
  const body = new URLSearchParams(said);
  for (const id of ids) body.append("alert", id);
  ids.forEach((id) => asked.add(String(id)));
  const headers = { ...csrf(), "HX-Request": "true" };
  try {
    const answer = await fetch(byId("several").action, { method: "POST", body, headers });
    const text = await answer.text();
    if (!answer.ok) { toast(answer.status < 500 && text.length < 300 ? text : "That did not work. Try again."); return null; }
    const holder = document.createElement("template");
    holder.innerHTML = text.trim();
    return [...holder.content.querySelectorAll(".alert")];
  } catch {
    toast("The server cannot be reached. Nothing was changed; try again.");
    return null;
  } finally {
    ids.forEach((id) => asked.delete(String(id)));
  }
}

// Several marked, and one word on all of them.
const picked = () => [...board.querySelectorAll(".pick:checked")];

function mark() {
  byId("marked").textContent = picked().length;
  byId("several").hidden = !picked().length;
}

board.addEventListener("change", (event) => { if (event.target.matches(".pick")) mark(); });
byId("unmark").addEventListener("click", () => { for (const one of picked()) one.checked = false; mark(); });
byId("several").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const said = { status: event.submitter.value, reason: form.elements.reason.value, note: form.elements.note.value };
  const drawn = await decide(picked().map((one) => one.value), said);
  if (!drawn) return;
  for (const card of drawn) { byId(card.id)?.replaceWith(card); htmx.process(card); }
  form.reset();
  const left = drawn.filter(leaves);
  if (left.length) leave(left);
  mark();
  goTo(current());
});

// A line each instead of cards, for whoever has many.
function setDense(on) {
  board.classList.toggle("dense", on);
  byId("dense").setAttribute("aria-pressed", String(on));
  localStorage.setItem("dense", on ? "on" : "");
}
byId("dense").addEventListener("click", () => setDense(!board.classList.contains("dense")));
setDense(localStorage.getItem("dense") === "on");

function count() {
  document.getElementById("nothing").hidden = board.querySelector(".alert") !== null;
  if (shown !== "new") return;
  const badge = document.getElementById("waiting");
  const number = board.querySelectorAll(".alert.new").length;
  badge.hidden = number === 0;
  if (!board.dataset.more) badge.textContent = number;
  document.title = document.title.replace(/^(\(\d+\) )?/, number ? `(${number}) ` : "");
}

feed(byId("live"), {
  opened: (socket) => socket.send(JSON.stringify({ since })),
  heard: show,
  lost: "Not connected; trying again. What you miss appears when it is back.",
});
