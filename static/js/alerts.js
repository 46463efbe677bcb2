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
    if (event.code === 4401) { location.reload(); return; }
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
  if (old || shown === "all" || shown === message.status) {
    const holder = document.createElement("template");
    holder.innerHTML = message.html.trim();
    const card = holder.content.firstElementChild;
    if (old) {
      old.replaceWith(card);
    } else {
      board.prepend(card);
      card.classList.add("arrived");
    }
    htmx.process(card);
  }
  count();
}

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
