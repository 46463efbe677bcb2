// A batch: files chosen or dropped, folders too, sent a few at a time with progress, then searched.
"use strict";

const GROUP_FILES = 40;
const GROUP_BYTES = 64 * 1048576;
let chosen = [];

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

function groups() {
  const made = [];
  let bytes = Infinity;
  for (const file of chosen) {
    if (bytes + file.size > GROUP_BYTES || made.at(-1).length >= GROUP_FILES) { made.push([]); bytes = 0; }
    made.at(-1).push(file);
    bytes += file.size;
  }
  return made;
}

function post(url, body, sent = () => {}) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("X-CSRFToken", JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]);
    request.upload.onprogress = (event) => sent(event.loaded);
    request.onload = () => {
      let answer = { errors: ["The server could not do that. Try again."] };
      try { answer = JSON.parse(request.responseText); } catch { /* not from our view */ }
      request.status < 300 ? done(answer) : failed(answer.errors || [answer.detail]);
    };
    request.onerror = () => failed(["The server cannot be reached. Nothing was begun; try again."]);
    request.send(body);
  });
}

function complain(errors) {
  const place = byId("batch-errors");
  for (const error of errors) {
    const line = document.createElement("p");
    line.className = "notice bad";
    line.setAttribute("role", "alert");
    line.textContent = error;
    place.append(line);
  }
}

byId("batch-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("batch-errors").replaceChildren();
  if (!chosen.length) return complain(["Choose or drop at least one picture, folder, zip or clip."]);
  const bar = byId("batch-progress"), says = byId("batch-says"), go = byId("batch-go");
  const total = chosen.reduce((sum, file) => sum + file.size, 0) || 1;
  go.disabled = true;
  bar.hidden = false;
  try {
    const batch = await post(event.target.action, new FormData(event.target));
    let before = 0, refused = 0;
    for (const group of groups()) {
      const body = new FormData();
      for (const file of group) body.append("files", file, file.name);
      const answer = await post(batch.files, body, (loaded) => {
        bar.value = (before + loaded) / total;
        says.textContent = `${Math.round(bar.value * 100)} % sent`;
      });
      before += group.reduce((sum, file) => sum + file.size, 0);
      refused += answer.errors.length;
      if (refused < 20) complain(answer.errors);
    }
    await post(batch.start, new FormData());
    if (refused) {
      says.textContent = `Begun without ${refused} of ${chosen.length} files.`;
      const link = document.createElement("a");
      link.href = batch.page;
      link.textContent = " To the batch";
      says.append(link);
    } else location.href = batch.page;
  } catch (errors) {
    complain(Array.isArray(errors) ? errors : [String(errors)]);
    go.disabled = false;
    bar.hidden = true;
  }
});
