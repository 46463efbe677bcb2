// A batch: files chosen or dropped, folders too, sent a few at a time with progress, then searched.

import { arrive, complain, sendBatch } from "./sending.js";
import { byId } from "./shared.js";

const chosen = [];

function take(files) {
  chosen.push(...files);
  const bytes = chosen.reduce((sum, file) => sum + file.size, 0);
  byId("batch-chosen").textContent = chosen.length
    ? `${chosen.length} file${chosen.length === 1 ? "" : "s"}, ${(bytes / 1048576).toFixed(1)} MB`
    : "";
}

async function inside(entry) {
  if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
  const reader = entry.createReader();
  const found = [];
  // A folder gives its entries in portions, the last of them empty.
  for (;;) {
    const portion = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!portion.length) return found;
    for (const one of portion) found.push(...(await inside(one)));
  }
}

const drop = byId("batch-drop");
byId("batch-choose").addEventListener("click", () => byId("batch-input").click());
byId("batch-choose-folder").addEventListener("click", () => byId("batch-folder").click());
byId("batch-folder").addEventListener("change", (event) => take([...event.target.files]));
byId("batch-input").addEventListener("change", (event) => take([...event.target.files]));
for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.remove("over"); });
drop.addEventListener("drop", async (event) => {
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return take([...event.dataTransfer.files]);
  for (const entry of entries) take(await inside(entry));
});

byId("batch-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("batch-errors").replaceChildren();
  const addresses = byId("batch-addresses").value.trim();
  if (!chosen.length && !addresses) return complain(byId("batch-errors"), ["Choose or drop at least one picture, folder, zip or clip, or type an address."]);
  const bar = byId("batch-progress"), says = byId("batch-says"), go = byId("batch-go");
  go.disabled = true;
  bar.hidden = false;
  try {
    const sent = await sendBatch(event.target.action, new FormData(event.target), chosen, addresses, (share) => {
      bar.value = share;
      says.textContent = `${Math.round(share * 100)} % sent`;
    });
    arrive(sent, byId("batch-errors"), says);
  } catch (errors) {
    complain(byId("batch-errors"), errors);
    go.disabled = false;
    bar.hidden = true;
  }
});
