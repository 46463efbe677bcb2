// The map of a search plan: the sighting, how far somebody gets in the time, the cameras by their numbers in the list.

import { baseMap, onPress } from "./base_map.js";
import { byId } from "./shared.js";

const holder = byId("around-map");
if (holder) {
  const drawn = JSON.parse(byId("around-drawn").textContent);
  const map = baseMap(holder, [drawn.at, 12], (problem) => { byId("around-note").textContent = problem; });
  // Over the land, which comes later, and under the marks.
  map.createPane("reach").style.zIndex = 450;
  for (const [way, kilometres] of drawn.rings) {
    const ring = L.circle(drawn.at, { radius: kilometres * 1000, className: "reach", interactive: false, pane: "reach" }).addTo(map);
    const top = [ring.getBounds().getNorth(), drawn.at[1]];
    L.marker(top, { icon: L.divIcon({ className: "reach-name", html: way, iconSize: null }), interactive: false, keyboard: false, pane: "reach" }).addTo(map);
  }
  mark(drawn.at, "sightings", "✓", drawn.title);
  for (const camera of drawn.cameras) {
    const made = mark(camera.at, camera.first ? "cameras first" : "cameras", camera.number, `${camera.number}: ${camera.title}`);
    onPress(made, () => {
      const there = byId(`camera-${camera.pk}`);
      there.scrollIntoView({ block: "center" });
      there.focus({ preventScroll: true });
    });
  }
  // Where to look first fills the map; the others are a step back.
  const first = [drawn.at, ...drawn.cameras.slice(0, 4).map((camera) => camera.at)];
  map.fitBounds(first, { padding: [40, 40], maxZoom: 14, animate: false });

  function mark(at, kind, words, title) {
    const icon = L.divIcon({ className: `mark ${kind}`, html: String(words), iconSize: null, iconAnchor: [12, 12] });
    const made = L.marker(at, { icon, title, keyboard: kind !== "sightings", riseOnHover: true }).addTo(map);
    made.getElement().setAttribute("aria-label", title);
    return made;
  }
}

// What became a task of the case is said where it was asked for.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!detail.elt.matches("form.to-task") || !detail.successful) return;
  const button = detail.elt.querySelector("button");
  button.disabled = true;
  button.textContent = "On the case's list of tasks";
});
