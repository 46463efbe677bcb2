// Cameras on a plan: pins where they stand; a chosen one is placed by pressing the plan.

import { byId } from "./shared.js";

const plan = byId("plan");
const place = byId("place");
for (const pin of plan.querySelectorAll(".pin")) {
  pin.style.left = `${pin.dataset.x * 100}%`;
  pin.style.top = `${pin.dataset.y * 100}%`;
}
function sayWhatIsNext() {
  const isChosen = Boolean(place.elements.camera.value);
  plan.classList.toggle("placing", isChosen);
  byId("place-note").textContent = isChosen
    ? "Now press its place on the plan."
    : "Choose a camera, then press its place on the plan.";
}
place?.elements.camera.addEventListener("change", sayWhatIsNext);
// A camera may be chosen before this script runs, and a browser that goes back keeps the choice.
if (place) sayWhatIsNext();
plan.addEventListener("click", (event) => {
  if (!place?.elements.camera.value) return;
  event.preventDefault();
  const box = plan.getBoundingClientRect();
  place.elements.x.value = ((event.clientX - box.left) / box.width).toFixed(4);
  place.elements.y.value = ((event.clientY - box.top) / box.height).toFixed(4);
  place.submit();
});
