// The live dashboard: alerts as they come, and after a lost connection those that were missed.
"use strict";

const board = document.getElementById("alerts");
const live = document.getElementById("live");
const shown = board.dataset.status;
let since = board.dataset.now;
let pause = 500;

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/alerts/`);
  socket.onopen = () => {
    pause = 500;
    say("on", "Live");
    socket.send(JSON.stringify({ since }));
  };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.kind === "alert") show(message);
  };
  socket.onclose = (event) => {
    if (event.code === 4401 || event.code === 4410) { location.reload(); return; }
    say("off", "Not connected; trying again. What you miss appears when it is back.");
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 10000);
  };
}

function say(state, text) {
  live.className = `live ${state}`;
  live.lastElementChild.textContent = text;
}

function show(message) {
  if (message.at > since) since = message.at;
  const old = document.getElementById(`alert-${message.id}`);
  // A note being typed is not thrown away by a newer capture.
  if (old?.querySelector("input[name=note]")?.matches(":focus:not(:placeholder-shown)")) return;
  // A card that was decided stays where it is, with its undo, until the page is opened anew.
  const holder = document.createElement("template");
  holder.innerHTML = message.html.trim();
  const card = holder.content.firstElementChild;
  if (old || ((shown === "all" || shown === message.status) && fits(card))) {
    if (old) {
      old.replaceWith(card);
    } else {
      board.prepend(card);
      card.classList.add("arrived", "unread");
      ring();
    }
    htmx.process(card);
  }
  count();
}

// Whether a card that comes is among those the board was narrowed to.
function fits(card) {
  const { camera, collection, kind, strength, whose, q } = board.dataset;
  const taken = card.dataset.assigned;
  const text = card.textContent.toLowerCase();
  return (!camera || camera === card.dataset.camera)
    && (!collection || collection === card.dataset.collection)
    && (!kind || kind === card.dataset.kind)
    && (!strength || strength === card.dataset.strength)
    && (!whose || (whose === "mine" ? taken === board.dataset.user : !taken))
    && (!q || q.toLowerCase().split(/\s+/).every((word) => text.includes(word)));
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

// The board by keys: j and k move, the others press the card's own buttons.
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const cards = [...board.querySelectorAll(".alert")];
  if (!cards.length) return;
  const now = cards.indexOf(document.activeElement.closest(".alert"));
  const step = { j: 1, k: -1 }[event.key];
  if (step) {
    event.preventDefault();
    const next = cards[Math.max(0, Math.min(cards.length - 1, now + step))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  } else if (now >= 0 && event.key === "o") {
    cards[now].querySelector(".person a").click();
  } else if (now >= 0) {
    cards[now].querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  }
});

function count() {
  document.getElementById("nothing").hidden = board.querySelector(".alert") !== null;
  if (shown !== "new") return;
  const badge = document.getElementById("waiting");
  const number = board.querySelectorAll(".alert.new").length;
  badge.hidden = number === 0;
  if (!board.dataset.more) badge.textContent = number;
  document.title = document.title.replace(/^(\(\d+\) )?/, number ? `(${number}) ` : "");
}

connect();
