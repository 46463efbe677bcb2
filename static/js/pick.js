// A place picked on the map instead of typed: by pressing it, or by taking the middle of what is seen.

import { baseMap } from "./base_map.js";
import { byId } from "./shared.js";

const pick = byId("pick");
const [north, east] = ["latitude", "longitude"].map((name) => document.querySelector(`form [name=${name}]`));
east.closest(".field").after(pick);
let picking = null;
let pin = null;

function chosen() {
  const at = [north.value, east.value].map(Number);
  return north.value && east.value && at.every(Number.isFinite) ? at : null;
}

function choose({ lat, lng }) {
  const turned = L.latLng(lat, lng).wrap();
  north.value = Math.max(-90, Math.min(90, turned.lat)).toFixed(5);
  east.value = turned.lng.toFixed(5);
  setPin();
}

function setPin() {
  pin?.remove();
  const at = chosen();
  byId("pick-said").textContent = at ? `${at[0]}, ${at[1]}` : "No place yet.";
  if (at && picking) pin = L.marker(at, { icon: L.divIcon({ className: "mark cases", html: "?", iconSize: null, iconAnchor: [12, 12] }), interactive: false }).addTo(picking);
}

pick.addEventListener("toggle", () => {
  if (!pick.open || picking) return;
  const at = chosen();
  picking = baseMap(byId("pick-map"), at ? [at, 10] : [[25, 0], 2], (problem) => {
    byId("pick-said").textContent = problem;
  });
  picking.on("click", (event) => choose(event.latlng));
  setPin();
});
byId("pick-middle").addEventListener("click", () => choose(picking.getCenter()));
for (const field of [north, east]) field.addEventListener("change", setPin);
