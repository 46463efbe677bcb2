// A searched picture turned, cut and lightened before it is searched again; shown as the server will make it.

import { byId } from "./shared.js";

const adjustDialog = byId("adjust");
const adjustForm = adjustDialog.querySelector("form");
const canvas = adjustDialog.querySelector("canvas");
const original = new Image();
let cut = null, cutting = null;

const value = (name) => Number(adjustForm.elements[name].value);

function paint() {
  if (!original.naturalWidth) return;
  const turn = value("turn") * Math.PI / 180;
  const [w, h] = [original.naturalWidth, original.naturalHeight];
  const [cos, sin] = [Math.abs(Math.cos(turn)), Math.abs(Math.sin(turn))];
  canvas.width = Math.round(w * cos + h * sin);
  canvas.height = Math.round(w * sin + h * cos);
  // As large as the window lets it be, whatever the picture's own size.
  canvas.style.width = `min(100%, ${(56 * canvas.width) / canvas.height}vh)`;
  const brush = canvas.getContext("2d");
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.filter = `brightness(${value("light")})`;
  brush.translate(canvas.width / 2, canvas.height / 2);
  brush.rotate(turn);
  brush.drawImage(original, -w / 2, -h / 2);
  brush.setTransform(1, 0, 0, 1, 0, 0);
  brush.filter = "none";
  if (cut) {
    const [x, y] = [cut.left * canvas.width, cut.top * canvas.height];
    const [width, height] = [(cut.right - cut.left) * canvas.width, (cut.bottom - cut.top) * canvas.height];
    brush.fillStyle = "#0009";
    brush.beginPath();
    brush.rect(0, 0, canvas.width, canvas.height);
    brush.rect(x, y, width, height);
    brush.fill("evenodd");
    brush.strokeStyle = "#fbbf24";
    brush.lineWidth = Math.max(2, canvas.width / 300);
    brush.strokeRect(x, y, width, height);
  }
  const sides = cut || { left: 0, top: 0, right: 1, bottom: 1 };
  for (const side of Object.keys(sides)) adjustForm.elements[side].value = sides[side];
  adjustForm.querySelector("[data-adjust=whole]").disabled = !cut;
}
original.addEventListener("load", paint);

document.addEventListener("click", (event) => {
  if (!event.target.closest("#open-adjust")) return;
  original.src = canvas.dataset.src;
  adjustDialog.showModal();
});
adjustForm.addEventListener("input", (event) => {
  // Another turn is another picture: what was cut of the last one means nothing.
  if (event.target.name === "turn") cut = null;
  paint();
});
adjustForm.addEventListener("click", (event) => {
  const what = event.target.closest("[data-adjust]")?.dataset.adjust;
  if (!what) return;
  if (what === "whole") cut = null;
  else if (what === "close") adjustDialog.close();
  else {
    const turned = value("turn") + Number(what);
    adjustForm.elements.turn.value = turned > 180 ? turned - 360 : turned < -180 ? turned + 360 : turned;
    cut = null;
  }
  paint();
});

function at(event) {
  const place = canvas.getBoundingClientRect();
  const within = (number) => Math.max(0, Math.min(1, number));
  return [within((event.clientX - place.left) / place.width), within((event.clientY - place.top) / place.height)];
}
canvas.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  cutting = at(event);
});
canvas.addEventListener("pointermove", (event) => {
  if (!cutting) return;
  const [[x1, y1], [x2, y2]] = [cutting, at(event)];
  cut = { left: Math.min(x1, x2), top: Math.min(y1, y2), right: Math.max(x1, x2), bottom: Math.max(y1, y2) };
  paint();
});
canvas.addEventListener("pointerup", () => {
  cutting = null;
  if (cut && (cut.right - cut.left < 0.02 || cut.bottom - cut.top < 0.02)) cut = null;
  paint();
});
