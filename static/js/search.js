// The search page: a picture by choice, drop, paste or the phone's camera. Several, a clip or a zip become a batch.

import { arrive, complain, sendBatch } from "./sending.js";
import { byId, takePictures } from "./shared.js";

const searchForm = byId("search-form");
const input = byId("id_image");
const preview = byId("preview");
const purpose = byId("id_purpose");
let taking = false;
// For the next photo of the same round; gone with the tab.
purpose.value ||= sessionStorage.getItem("purpose") || "";
searchForm.addEventListener("submit", () => sessionStorage.setItem("purpose", purpose.value));
takePictures(byId("drop"), input, (files) => {
  if (!files.length || asMany(files)) return;
  if (files[0] !== input.files[0]) {
    const carrier = new DataTransfer();
    carrier.items.add(files[0]);
    input.files = carrier.files;
  }
  byId("filename").textContent = `${files[0].name || "Pasted picture"}, ${(files[0].size / 1048576).toFixed(1)} MB`;
  preview.src = URL.createObjectURL(files[0]);
  preview.hidden = false;
  preview.onerror = () => { preview.hidden = true; };
  // A photo taken on the spot is searched at once where it was said what for.
  if (taking && purpose.value.trim()) searchForm.requestSubmit();
  else purpose.focus();
});
byId("choose").addEventListener("click", () => { taking = false; input.removeAttribute("capture"); input.click(); });
byId("take").addEventListener("click", () => { taking = true; input.setAttribute("capture", "environment"); input.click(); });

// What is searched as a batch: several files, or one that holds several.
let many = [];
const HOLDS_MANY = /\.(zip|7z|rar|tar|tgz|gz|bz2|xz|zst|cab|iso|eml|mbox|msg|mp4|m4v|mov|mkv|avi|webm|ogv|wmv|asf|flv|mpe?g|ts|mts|m2ts|mxf|3gp)$/i;

function asMany(files) {
  const holdsMany = files.some((file) => file.type.startsWith("video/") || HOLDS_MANY.test(file.name));
  many = files.length > 1 || holdsMany ? files : [];
  byId("one-or-many").hidden = !(many.length > 1) || holdsMany;
  for (const radio of searchForm.querySelectorAll("[name=many]")) {
    radio.required = !byId("one-or-many").hidden;
    radio.checked = false;
  }
  if (!many.length) return false;
  const bytes = many.reduce((sum, file) => sum + file.size, 0);
  const what = many.length > 1 ? `${many.length} files` : many[0].name;
  byId("filename").textContent = `${what}, ${(bytes / 1048576).toFixed(1)} MB: searched together, each person shown once`;
  byId("many-count").textContent = many.length;
  preview.hidden = true;
  purpose.focus();
  return true;
}

// Before htmx sees it: a batch goes its own way.
document.addEventListener("submit", async (event) => {
  if (event.target !== searchForm || !many.length) return;
  event.preventDefault();
  event.stopPropagation();
  const answers = new FormData(searchForm), place = byId("search-errors"), go = searchForm.querySelector("button.main");
  answers.delete("image");
  answers.delete("many");
  if (searchForm.querySelector("[name=many]:checked")?.value === "one") answers.append("one_person", "on");
  place.replaceChildren();
  go.disabled = true;
  try {
    const sent = await sendBatch(searchForm.dataset.batches, answers, many, "", (share) => {
      byId("filename").textContent = `${Math.round(share * 100)} % sent`;
    });
    arrive(sent, place, byId("filename"));
  } catch (errors) {
    complain(place, errors);
    go.disabled = false;
  }
}, true);
