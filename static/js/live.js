// What a camera sees, for as long as somebody looks: its pictures with boxes and names.

import { byId } from "./shared.js";

const liveBox = byId("live");
const look = byId("look");
const testPicture = byId("test-picture");
const note = byId("live-note");
const picture = byId("live-picture");
const faceList = byId("live-faces");
const COLOURS = ["#4da3ff", "#ffb454", "#7bd88f", "#ff7ab6", "#b79cff", "#5fd7d7"];
const WAIT = 8000;
let eye = null;
let waiting;
const colours = new Map();

look.addEventListener("click", () => (eye ? stop("A picture comes only while somebody looks.") : start()));
testPicture.addEventListener("click", () => {
  eye?.send('{"test": true}');
  note.textContent = "Asking for a test picture …";
});
// A page in the background looks at nothing.
document.addEventListener("visibilitychange", () => { if (document.hidden && eye) stop("Stopped, for the page was left."); });

function start() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  eye = new WebSocket(`${scheme}://${location.host}/ws/cameras/${liveBox.dataset.camera}/live/`);
  look.textContent = "Stop";
  look.setAttribute("aria-pressed", "true");
  testPicture.hidden = false;
  note.textContent = "Asking the camera …";
  expect();
  eye.onmessage = (event) => show(JSON.parse(event.data));
  eye.onclose = (event) => {
    if (event.code === 4401 || event.code === 4410) { location.reload(); return; }
    if (eye) stop(event.code === 4403 ? "You may not look through this camera." : "The connection broke off. Press Look to try again.");
  };
}

function stop(text) {
  const closing = eye;
  eye = null;
  closing.close();
  clearTimeout(waiting);
  look.textContent = "Look";
  look.setAttribute("aria-pressed", "false");
  testPicture.hidden = true;
  picture.hidden = true;
  faceList.replaceChildren();
  note.textContent = text;
}

function expect() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    note.textContent = "No picture comes. Its client is offline, asleep, older than version 0.6, or cannot open websockets.";
  }, WAIT);
}

let held = 0;
function show(frame) {
  if (!eye) return;
  expect();
  // A test picture stays for a moment, to be looked at.
  if (!frame.test && Date.now() < held) return;
  held = frame.test ? Date.now() + 6000 : 0;
  const image = new Image();
  image.onload = () => {
    picture.hidden = false;
    picture.width = frame.width;
    picture.height = frame.height;
    const context = picture.getContext("2d");
    context.drawImage(image, 0, 0, frame.width, frame.height);
    context.lineWidth = Math.max(2, frame.width / 320);
    context.font = `600 ${Math.max(12, Math.round(frame.width / 45))}px sans-serif`;
    frame.faces.forEach((face) => draw(context, face, frame));
    const when = new Date(frame.at).toLocaleTimeString();
    const count = frame.faces.length === 1 ? "1 face" : `${frame.faces.length} faces`;
    note.textContent = frame.test ? `Test picture of ${when}, ${frame.width} x ${frame.height}: ${count}` : `${when}, ${count}`;
    faceList.replaceChildren(...(frame.test ? frame.faces.map((face) => told(face, frame)) : []));
  };
  image.src = `data:image/jpeg;base64,${frame.jpeg}`;
}

function draw(context, face, frame) {
  const [left, top, right, bottom] = face.box.map((side, i) => side * (i % 2 ? frame.height : frame.width));
  if (!colours.has(face.track)) colours.set(face.track, COLOURS[colours.size % COLOURS.length]);
  const colour = face.track ? colours.get(face.track) : "#b8c0c8";
  const label = face.still ? "does not move" : face.name || (face.track ? face.track.slice(0, 4) : face.score.toFixed(2));
  context.strokeStyle = colour;
  context.setLineDash(face.still ? [6, 4] : []);
  context.strokeRect(left, top, right - left, bottom - top);
  const width = context.measureText(label).width + 8;
  const height = parseInt(context.font.split(" ")[1], 10) + 6;
  const y = top > height ? top - height : bottom;
  context.fillStyle = colour;
  context.fillRect(left, y, width, height);
  context.fillStyle = "#10151b";
  context.fillText(label, left + 4, y + height - 6);
}

function told(face, frame) {
  const item = document.createElement("li");
  const across = Math.round((face.box[2] - face.box[0]) * frame.width);
  item.textContent = `${across} pixels wide, detected with ${face.score.toFixed(2)}${face.still ? ", does not move" : ""}`;
  return item;
}
