// An officer's walk: a frame a second of the phone's camera, one at a time, until the walk ends.

import { byId, csrf } from "./shared.js";

const walkBox = byId("walk");
const video = byId("walk-video");
const walkNote = byId("walk-note");
const startButton = byId("walk-start");
const turn = byId("walk-turn");
const leftBox = byId("walk-left");
const LONGEST_SIDE = 1280;
const EVERY = 1000;
const canvas = document.createElement("canvas");
let facing = "environment";
let stream = null;
let timer;
let lock = null;
let left = Number(leftBox.dataset.left);
let unsent = 0;

setInterval(() => {
  left = Math.max(0, left - 1);
  showLeft();
  if (!left && stream) halt("The walk has ended.");
}, 1000);
showLeft();

startButton.addEventListener("click", () => (stream ? halt("Paused. Press Start to go on.") : start()));
turn.addEventListener("click", () => {
  facing = facing === "environment" ? "user" : "environment";
  halt("");
  start();
});

function showLeft() {
  leftBox.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left`;
}

async function start() {
  if (!navigator.mediaDevices) {
    walkNote.textContent = "The browser gives its camera only to a page that came by https. Ask your administrator for that address.";
    return;
  }
  walkNote.textContent = "Asking for the camera …";
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing, width: { ideal: 1280 }, height: { ideal: 720 } } });
  } catch (error) {
    walkNote.textContent = error.name === "NotAllowedError" ? "The camera may not be used. Allow it in the browser's settings of this page, then press Start." : `No camera can be used (${error.name}).`;
    return;
  }
  video.srcObject = stream;
  await video.play();
  startButton.textContent = "Pause";
  turn.hidden = false;
  walkNote.textContent = "Watching …";
  // The screen stays on; where the browser cannot, the phone's own setting says.
  lock = await navigator.wakeLock?.request("screen").catch(() => null);
  timer = setTimeout(send, 0);
}

function halt(text) {
  clearTimeout(timer);
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
  lock?.release();
  startButton.textContent = "Start";
  turn.hidden = true;
  walkNote.textContent = text;
}

async function send() {
  const began = Date.now();
  const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  const picture = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
  if (!stream) return;
  const form = new FormData();
  form.append("id", crypto.randomUUID());
  form.append("image", picture, "frame.jpg");
  try {
    const headers = csrf();
    const answer = await fetch(walkBox.dataset.url, { method: "POST", body: form, headers });
    const said = await answer.json();
    if (answer.status === 409) { halt(said.detail); return; }
    if (answer.ok) {
      left = said.left;
      walkNote.textContent = `${said.faces === 1 ? "1 face" : `${said.faces} faces`} in the last frame${unsent ? `, ${unsent} frames could not be sent` : ""}`;
    } else {
      walkNote.textContent = said.detail;
    }
  } catch {
    unsent += 1;
    walkNote.textContent = `No network: ${unsent} frames could not be sent. It goes on by itself.`;
  }
  if (stream) timer = setTimeout(send, Math.max(0, EVERY - (Date.now() - began)));
}
