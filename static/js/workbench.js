// The search's workbench: from face to face and candidate to candidate by key, and the two pictures compared.

import { fitted, labelled, laidOver, pressedAt, shownAt, zoomed } from "./geometry.js";
import { byId } from "./shared.js";

const bench = () => byId("bench");
const portraits = () => [...document.querySelectorAll(".portrait")];

// What was adjusted holds from candidate to candidate; the pictures themselves are never changed.
const AS_IT_IS = { brightness: 100, contrast: 100, grey: false, flip: false };
let view = { ...AS_IT_IS };
let overlay = false;
let zoom = { scale: 1, x: 0, y: 0 };

function show() {
  const pair = byId("pair");
  if (!pair) return;
  const tools = bench().querySelector(".adjust");
  for (const name of ["brightness", "contrast"]) tools.querySelector(`[name=${name}]`).value = view[name];
  for (const name of ["grey", "flip"]) tools.querySelector(`[data-do=${name}]`).setAttribute("aria-pressed", view[name]);
  tools.querySelector("[data-do=overlay]").setAttribute("aria-pressed", overlay);
  tools.querySelector(".blend").hidden = !overlay;
  const adjusted = zoom.scale !== 1 || Object.keys(AS_IT_IS).some((name) => view[name] !== AS_IT_IS[name]);
  tools.querySelector(".adjusted").hidden = !adjusted;
  const filter = `brightness(${view.brightness}%) contrast(${view.contrast}%) grayscale(${view.grey ? 1 : 0})`;
  const [probe, face] = pair.querySelectorAll("img");
  const moved = `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})`;
  for (const image of [probe, face]) if (image) { image.style.filter = filter; image.style.transform = moved; }
  if (view.flip) probe.style.transform = `${moved} scaleX(-1)`;
  const over = pair.querySelector(".overlaid");
  over.hidden = !overlay || !face;
  pair.classList.toggle("over", !over.hidden);
  marks(pair);
  if (!over.hidden) draw(over.querySelector("canvas"), probe, face, filter);
}

function placed(figure) {
  const image = figure.querySelector("img");
  if (!image?.naturalWidth) return null;
  return fitted({ w: figure.clientWidth, h: figure.clientHeight }, { w: image.naturalWidth, h: image.naturalHeight });
}

// The marks' numbers on the pictures, wherever these are moved.
function marks(pair) {
  for (const dot of pair.querySelectorAll(".dot")) dot.remove();
  const figures = { probe: pair.children[0], face: pair.children[1] };
  [...bench().querySelectorAll(".marks li")].forEach((mark, number) => {
    const figure = figures[mark.dataset.on], place = placed(figure);
    if (!place || "elsewhere" in mark.dataset) return;
    const [x, y] = shownAt(place, zoom, Number(mark.dataset.x), Number(mark.dataset.y), mark.dataset.on === "probe" && view.flip);
    const dot = document.createElement("span");
    dot.className = "dot";
    dot.dataset.number = number + 1;
    dot.style.left = `${x}px`;
    dot.style.top = `${y}px`;
    figure.append(dot);
  });
}

const isMarking = () => byId("pair")?.classList.contains("marking");
function marking(on) {
  if (on && overlay) toggle("overlay");
  byId("pair")?.classList.toggle("marking", on);
  bench()?.querySelector("[data-do=mark]")?.setAttribute("aria-pressed", on);
  if (!on) document.querySelector(".mark-form")?.remove();
}

function beginMark(event) {
  const figure = event.target.closest("#pair figure"), place = figure && placed(figure);
  if (!place) return;
  event.preventDefault();
  document.querySelector(".mark-form")?.remove();
  const box = figure.getBoundingClientRect();
  const [px, py] = [event.clientX - box.left, event.clientY - box.top];
  const onProbe = figure === byId("pair").children[0];
  const pressed = pressedAt(place, zoom, px, py, onProbe && view.flip);
  if (!pressed) return;
  const [x, y] = pressed;
  const form = document.createElement("form");
  form.className = "mark-form";
  form.innerHTML = "<input maxlength='200' required placeholder='What is there? Enter keeps it' aria-label='What is there'>";
  form.style.left = `${Math.min(px, place.w - 205)}px`;
  form.style.top = `${Math.min(py, place.h - 44)}px`;
  figure.append(form);
  const input = form.firstChild;
  setTimeout(() => input.focus());
  const { marks: url, photo } = bench().dataset;
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    const values = { x, y, text: input.value, shown: photo, photo: onProbe ? "" : photo };
    htmx.ajax("POST", url, { target: "#bench", swap: "outerHTML", values });
  });
}

// Both in one picture: the case photo is turned, scaled and moved until its eyes lie on the searched face's.
function draw(canvas, probe, face, filter) {
  if (!probe.naturalWidth || !face.naturalWidth) return;
  const side = (canvas.width = canvas.height = 640);
  const eyes = (image) => {
    const [x1, y1, x2, y2] = image.dataset.eyes.split(",").map(Number);
    const [w, h] = [image.naturalWidth, image.naturalHeight];
    const points = [[x1 * w, y1 * h], [x2 * w, y2 * h]];
    return image === probe && view.flip ? [[w - points[1][0], points[1][1]], [w - points[0][0], points[0][1]]] : points;
  };
  const fit = side / Math.max(probe.naturalWidth, probe.naturalHeight);
  const target = eyes(probe).map(([x, y]) => [x * fit, y * fit]);
  const brush = canvas.getContext("2d");
  brush.filter = filter;
  brush.setTransform(view.flip ? -fit : fit, 0, 0, fit, view.flip ? probe.naturalWidth * fit : 0, 0);
  brush.drawImage(probe, 0, 0);
  brush.globalAlpha = bench().querySelector("[name=blend]").value / 100;
  brush.setTransform(...laidOver(eyes(face), target));
  brush.drawImage(face, 0, 0);
}

function toggle(what) {
  if (what === "mark") { marking(!isMarking()); return; }
  if (what === "overlay") overlay = !overlay;
  else if (what === "reset") { view = { ...AS_IT_IS }; zoom = { scale: 1, x: 0, y: 0 }; }
  else view[what] = !view[what];
  show();
}

function go(step) {
  const all = portraits();
  const at = all.findIndex((one) => one.hasAttribute("aria-current"));
  const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
  if (!next || next === all[at]) return;
  if (next.matches(".weaker")) unfold(true);
  next.click();
}

function unfold(open) {
  const fold = document.querySelector(".fold");
  fold?.setAttribute("aria-expanded", open);
  document.querySelector(".strip").classList.toggle("all", open);
}

document.addEventListener("click", (event) => {
  const portrait = event.target.closest(".portrait");
  if (portrait) {
    for (const one of portraits()) one.toggleAttribute("aria-current", one === portrait);
    portrait.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  const fold = event.target.closest(".fold");
  if (fold) unfold(fold.getAttribute("aria-expanded") !== "true");
  if (event.target.closest(".unfold")) {
    unfold(true);
    document.querySelector(".portrait")?.focus();
  }
  const tool = event.target.closest(".adjust [data-do]");
  if (tool) toggle(tool.dataset.do);
  if (event.target.closest("#keys")) byId("key-help").showModal();
});

document.addEventListener("input", (event) => {
  if (!event.target.matches(".adjust input")) return;
  if (event.target.name !== "blend") view[event.target.name] = Number(event.target.value);
  show();
});

// Zoomed and moved together: the wheel about the pointer, a drag while zoomed.
document.addEventListener("wheel", (event) => {
  if (!event.target.closest?.("#pair")) return;
  event.preventDefault();
  zoom = zoomed(zoom, event.deltaY < 0);
  show();
}, { passive: false });
let dragged = null;
document.addEventListener("pointerdown", (event) => {
  if (event.target.closest(".mark-form")) return;
  if (event.target.closest("#pair") && isMarking()) { beginMark(event); return; }
  if (event.target.closest("#pair") && zoom.scale > 1) {
    event.preventDefault();
    dragged = [event.clientX - zoom.x, event.clientY - zoom.y];
  }
});
document.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  [zoom.x, zoom.y] = [event.clientX - dragged[0], event.clientY - dragged[1]];
  show();
});
document.addEventListener("pointerup", () => { dragged = null; });

// A face that the detector missed: a box drawn on the picture, by pointer.
let drawn = null;
function drawing(on) {
  byId("add-face")?.setAttribute("aria-pressed", on);
  document.querySelector(".boxed")?.classList.toggle("drawing", on);
}
const isDrawing = () => byId("add-face")?.getAttribute("aria-pressed") === "true";
document.addEventListener("click", (event) => { if (event.target.closest("#add-face")) drawing(!isDrawing()); });
document.addEventListener("pointerdown", (event) => {
  const place = event.target.closest(".boxed.drawing");
  if (!place) return;
  event.preventDefault();
  const box = document.createElement("span");
  box.className = "box new";
  place.append(box);
  drawn = { box, place: place.getBoundingClientRect(), from: [event.clientX, event.clientY] };
});
document.addEventListener("pointermove", (event) => {
  if (!drawn) return;
  const within = (value, start, size) => Math.max(0, Math.min(1, (value - start) / size));
  const { place } = drawn;
  const xs = [drawn.from[0], event.clientX].map((x) => within(x, place.left, place.width)).sort((a, b) => a - b);
  const ys = [drawn.from[1], event.clientY].map((y) => within(y, place.top, place.height)).sort((a, b) => a - b);
  drawn.values = { left: xs[0], top: ys[0], right: xs[1], bottom: ys[1] };
  for (const side of ["left", "top"]) drawn.box.style[side] = `${drawn.values[side] * 100}%`;
  drawn.box.style.width = `${(xs[1] - xs[0]) * 100}%`;
  drawn.box.style.height = `${(ys[1] - ys[0]) * 100}%`;
});
document.addEventListener("pointerup", () => {
  if (!drawn) return;
  const { box, values } = drawn;
  drawn = null;
  drawing(false);
  const button = byId("add-face");
  const done = values ? htmx.ajax("POST", button.dataset.url, { source: button, values, swap: "none" }) : Promise.resolve();
  done.finally(() => box.remove());
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { drawing(false); marking(false); }
  if (event.key === "Escape" && event.target.matches(".decide input")) event.target.blur();
  if (event.target.closest("input:not([type=range]), textarea, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
  const press = (selector) => bench()?.querySelector(selector)?.click();
  const faces = [...document.querySelectorAll(".boxed .box")];
  const face = faces.findIndex((one) => one.hasAttribute("aria-current"));
  const actions = {
    ArrowRight: () => go(1), ArrowDown: () => go(1), j: () => go(1),
    ArrowLeft: () => go(-1), ArrowUp: () => go(-1), k: () => go(-1),
    f: () => faces[(face + 1) % faces.length]?.click(),
    F: () => faces[(face - 1 + faces.length) % faces.length]?.click(),
    // The letters of the alerts, and the two words' own.
    c: () => press("[value=possible]"), p: () => press("[value=possible]"),
    d: () => press("[value=rejected]"), n: () => press("[value=rejected]"), u: () => press(".decide [value='']"),
    s: () => {
      const photos = [...document.querySelectorAll(".case-photos a")];
      photos[(photos.findIndex((one) => one.hasAttribute("aria-current")) + 1) % photos.length]?.click();
    },
    x: () => marking(!isMarking()),
    a: () => drawing(!isDrawing()),
    m: () => bench()?.querySelector("[name=note]")?.focus(),
    l: () => toggle("overlay"), 0: () => toggle("reset"),
    "?": () => byId("key-help").showModal(),
  };
  if (!actions[event.key] || !byId("workbench")) return;
  event.preventDefault();
  actions[event.key]();
});

// The names beside the boxes of a group, where they cover no face; the numbers stand in any case.
function nameBoxes() {
  const picture = document.querySelector(".workbench .boxed");
  const boxes = [...(picture?.querySelectorAll(".box") ?? [])];
  if (!boxes.some((box) => box.querySelector("b"))) return;
  for (const box of boxes) box.classList.add("named");
  const frame = picture.getBoundingClientRect();
  const sides = boxes.map((box) => {
    const { left, top, right, bottom } = box.getBoundingClientRect();
    return [left - frame.left, top - frame.top, right - frame.left, bottom - frame.top];
  });
  const words = boxes.map((box) => box.querySelector("b") && box.querySelector("span"));
  const places = labelled({ w: frame.width, h: frame.height }, sides, words.map((one) => one && [one.offsetWidth, one.offsetHeight]));
  places.forEach((place, number) => {
    boxes[number].classList.toggle("named", Boolean(place));
    const label = boxes[number].querySelector("span");
    // Within the box's own border.
    const edge = parseFloat(getComputedStyle(boxes[number]).borderLeftWidth);
    [label.style.left, label.style.top] = place
      ? [`${place[0] - sides[number][0] - edge}px`, `${place[1] - sides[number][1] - edge}px`]
      : ["", ""];
  });
}

function drawAll() {
  show();
  nameBoxes();
}
window.addEventListener("resize", drawAll);
document.addEventListener("htmx:afterSettle", drawAll);
document.addEventListener("load", (event) => { if (event.target.matches?.("#pair img, .boxed img")) drawAll(); }, true);
drawAll();
