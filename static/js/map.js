// The map: what the server has put together for the window that is looked at, or for a plan of a site; a list of the
// same, live alerts, a day.

import { baseMap, onPress, planMap } from "./base_map.js";
import { feed } from "./feed.js";
import { byId } from "./shared.js";

const holder = byId("map");
const form = byId("map-form");
const list = byId("map-list");
const note = byId("map-note");
const MARKS = { cameras: "▣", alerts: "!", sightings: "✓", cases: "?", photos: "▫", searches: "⌕", batches: "▤" };

const isPlan = Boolean(holder.dataset.plan);
const kept = isPlan ? null : sessionStorage.getItem("map-view")?.split(",").map(Number);
const isKept = kept?.length === 3 && kept.every(Number.isFinite) && !form.elements.case;
let lacks = "";
const failed = (problem) => { note.textContent = lacks = problem; };
const [map, placeOf] = isPlan ? await planMap(holder, failed) : [
  baseMap(holder, isKept ? [[kept[0], kept[1]], kept[2]] : [[25, 0], 2], failed),
  // East of a copy of the world it stands there, too.
  (latitude, longitude) => [latitude, longitude + Math.round((map.getCenter().lng - longitude) / 360) * 360],
];
const marks = L.layerGroup().addTo(map);
const path = L.layerGroup().addTo(map);

function asked(inWindow) {
  const words = new URLSearchParams(new FormData(form));
  for (const [name, value] of Array.from(words)) if (!value) words.delete(name, value);
  if (!words.has("show")) words.append("show", "none");
  if (day) {
    words.delete("days");
    words.set("since", new Date(day).toISOString());
    words.set("until", new Date(day + hour.value * 3600000).toISOString());
  }
  if (inWindow && !isPlan) {
    const seen = map.getBounds();
    const west = Math.max(seen.getWest(), -540), east = Math.min(seen.getEast(), 540);
    for (const [name, value] of Object.entries({
      west, east, south: Math.max(seen.getSouth(), -90), north: Math.min(seen.getNorth(), 90),
    })) words.set(name, value.toFixed(5));
    words.set("zoom", map.getZoom());
  }
  return words;
}

let number = 0, soon = 0;
function later(milliseconds = 200) {
  clearTimeout(soon);
  soon = setTimeout(show, milliseconds);
}

async function show() {
  const mine = ++number, words = asked(true);
  if (words.get("show") === "none") { marks.clearLayers(); path.clearLayers(); list.replaceChildren(); note.textContent = "Nothing is chosen to be shown."; return; }
  try {
    const [points, said] = await Promise.all([
      fetch(`${holder.dataset.points}?${words}`, { headers: { Accept: "application/json" } }),
      fetch(`${holder.dataset.list}?${words}`, { headers: { "HX-Request": "true" } }),
    ]);
    if (!points.ok || !said.ok) throw new Error(points.status);
    const [found, listed] = await Promise.all([points.json(), said.text()]);
    // Something else may have been asked for since, and been answered.
    if (mine !== number) return;
    draw(found);
    list.innerHTML = listed;
    note.textContent = found.points.length ? lacks : `Nothing of what is chosen ${isPlan ? "stands on this plan" : "lies here"}.`;
  } catch {
    if (mine === number) note.textContent = "The map could not be filled. It tries again with the next move.";
  }
}

function draw(found) {
  marks.clearLayers();
  path.clearLayers();
  for (const point of found.points) {
    const words = point.count > 1 ? String(point.count) : MARKS[point.kind];
    // Alerts stand beside the camera that raised them, not on it.
    const anchor = { alerts: [-4, 26], sightings: [26, 26] }[point.kind] ?? [12, 12];
    const icon = L.divIcon({ className: `mark ${point.kind} ${point.state}`, html: words, iconSize: null, iconAnchor: anchor });
    const marker = L.marker(placeOf(point.latitude ?? point.y, point.longitude ?? point.x), { icon, title: point.title, keyboard: true, riseOnHover: true });
    onPress(marker, () => {
      if (point.link) location.assign(point.link);
      else map.flyTo(marker.getLatLng(), Math.min(map.getZoom() + 2, 19), { duration: 0.4 });
    });
    marker.addTo(marks);
    marker.getElement().setAttribute("aria-label", point.title);
  }
  let before = null;
  for (const step of found.path) {
    const here = isPlan ? placeOf(step.y, step.x) : [step.latitude, step.longitude];
    if (before) L.polyline([before, here], { className: step.far ? "path far" : "path", interactive: false }).addTo(path);
    before = here;
  }
}

// At first all that there is, or all of one person.
async function fit() {
  const found = await (await fetch(`${holder.dataset.points}?${asked(false)}&zoom=6`)).json();
  const where = [...found.points, ...found.path].map((one) => [one.latitude, one.longitude]);
  // Several that are one point there lie within a degree and a half, which zoom 8 shows whole.
  const maxZoom = found.points.some((one) => one.count > 1) ? 8 : 12;
  if (where.length) map.fitBounds(where, { padding: [50, 50], maxZoom, animate: false });
}

const dayBox = byId("play-day"), hour = byId("play-hour");
const button = byId("play-button"), said = byId("play-said");
let day = 0, playing = 0;
function sayHour() {
  said.textContent = `${String(Math.floor(hour.value)).padStart(2, "0")}:${String((hour.value % 1) * 60).padStart(2, "0")}`;
}
function ofDay() {
  day = dayBox.value ? new Date(`${dayBox.value}T00:00`).getTime() : 0;
  sayHour();
  later(0);
}
function play(on) {
  clearInterval(playing);
  playing = 0;
  button.setAttribute("aria-pressed", on);
  button.textContent = on ? "Pause" : "Play";
  if (!on) return;
  if (!dayBox.value) dayBox.value = new Date(Date.now() - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 10);
  if (Number(hour.value) >= 24) hour.value = 0;
  playing = setInterval(() => {
    hour.value = Number(hour.value) + 0.5;
    ofDay();
    if (Number(hour.value) >= 24) play(false);
  }, 700);
  ofDay();
}
button.addEventListener("click", () => play(!playing));
dayBox.addEventListener("change", ofDay);
hour.addEventListener("input", () => { if (day) ofDay(); else sayHour(); });
byId("play-end").addEventListener("click", () => { play(false); dayBox.value = ""; hour.value = 24; ofDay(); });

list.addEventListener("click", (event) => {
  const { up, right } = event.target.closest("[data-up]")?.dataset ?? {};
  if (up) map.flyTo(isPlan ? placeOf(up, right) : [up, right], Math.max(map.getZoom(), isPlan ? 1 : 12), { duration: 0.4 });
});
form.addEventListener("change", (event) => {
  // Another base is another page, which keeps what is chosen.
  if (event.target.name === "plan") form.submit();
  else if (event.target.name) later(0);
});
form.addEventListener("submit", (event) => { event.preventDefault(); later(0); });
if (!isPlan) map.on("moveend", () => {
  const at = map.getCenter();
  sessionStorage.setItem("map-view", [at.lat, at.lng, map.getZoom()]);
  later();
});

if (isKept || isPlan) show();
else fit().catch(() => {}).finally(show);
feed(byId("map-live"), { opened: () => later(0), heard: () => later(300), lost: "Not connected; trying again." });
