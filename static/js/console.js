// What every page of the console does: theme, errors in words, pictures dropped on a case, keys of the work list.

import { byId, csrf, takePictures, toast } from "./shared.js";

byId("theme")?.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const order = dark ? ["", "light", "dark"] : ["", "dark", "light"];
  const next = order[(order.indexOf(root.dataset.theme || "") + 1) % order.length];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  localStorage.setItem("theme", next);
  toast(next ? `Theme: ${next}` : "Theme: as the device");
});

// On a phone the tab that one is on may lie beyond the edge.
document.querySelector(".chips [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

// How pictures of batches are shown to whoever sits here; a blurred one is pressed, or entered, to be seen.
const viewingChoice = byId("viewing");
if (viewingChoice) {
  viewingChoice.value = localStorage.getItem("viewing") || "";
  viewingChoice.addEventListener("change", () => {
    localStorage.setItem("viewing", viewingChoice.value);
    document.documentElement.dataset.viewing = viewingChoice.value;
  });
}
function blurred(target) {
  if (!(document.documentElement.dataset.viewing || "").includes("blur")) return null;
  const near = target.closest?.(".evidence a, .evidence .boxed, .evidence img");
  if (!near) return null;
  return near.matches("img:not(.looked)") ? near : near.querySelector("img:not(.looked)");
}
function reveal(event) {
  if (event.type === "keydown" && event.key !== "Enter") return;
  const picture = blurred(event.target);
  if (!picture) return;
  event.preventDefault();
  event.stopPropagation();
  picture.classList.add("looked");
}
document.addEventListener("click", reveal, true);
document.addEventListener("keydown", reveal, true);

document.addEventListener("htmx:sendError", () => toast("The server cannot be reached. Nothing was changed; try again."));
document.addEventListener("htmx:responseError", (event) => {
  const { status, responseText } = event.detail.xhr;
  const known = { 403: "You are not allowed to do that.", 404: "That is gone. Load the page again." };
  toast(known[status] || (status < 500 && responseText.length < 300 ? responseText : "That did not work. Try again; if it stays so, tell your administrator."));
});

// On a phone the list comes first, and what narrows it when it is asked for.
for (const one of document.querySelectorAll("details.narrowing")) {
  if (matchMedia("(max-width: 720px)").matches && !location.search) one.open = false;
}

// The console as an app of the phone's.
navigator.serviceWorker?.register("/worker.js").catch(() => {});

// A case begun by its photos.
const begin = byId("begin");
if (begin) {
  const input = byId("begin-input");
  byId("begin-choose").addEventListener("click", () => input.click());
  takePictures(byId("begin-drop"), input, (files) => {
    if (!files.length) return;
    const carrier = new DataTransfer();
    for (const file of files) carrier.items.add(file);
    input.files = carrier.files;
    begin.submit();
  });
}

// Case photos: several at once, each with its own progress and outcome.
const photoDrop = byId("photo-drop");
if (photoDrop) {
  const input = byId("photo-input");
  const list = byId("uploads");
  byId("photo-choose").addEventListener("click", () => input.click());
  takePictures(photoDrop, input, async (files) => {
    for (const file of files) await uploadPhoto(file);
    input.value = "";
  });

  function uploadPhoto(file) {
    const line = document.createElement("div");
    line.innerHTML = "<span></span><progress max='1' value='0'></progress>";
    line.firstChild.textContent = file.name;
    list.append(line);
    const body = new FormData();
    body.append("photo", file, file.name || "pasted.png");
    body.append("kind", byId("photo-kind").value);
    body.append("view", byId("photo-view").value);
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("POST", photoDrop.dataset.url);
      request.setRequestHeader("X-CSRFToken", csrf()["X-CSRFToken"]);
      request.upload.onprogress = (event) => { line.lastChild.value = event.loaded / event.total; };
      request.onloadend = () => {
        if (request.status === 201) {
          line.remove();
          htmx.trigger(document.body, "photos-changed");
        } else {
          let why = request.status === 403 ? "you are not allowed to add photos" : "the server could not be reached; try again";
          try { why = JSON.parse(request.responseText).error; } catch { /* not from our view */ }
          line.className = "notice bad";
          line.textContent = `${file.name}: ${why}`;
        }
        done();
      };
      request.send(body);
    });
  }
}

// Photos whose face waits to be confirmed, by keyboard: arrows or j and k move; a button says its own key.
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = [...document.querySelectorAll(".subject-choice")];
  if (!all.length) return;
  const at = all.indexOf(document.activeElement.closest(".subject-choice"));
  const step = { ArrowDown: 1, ArrowRight: 1, j: 1, ArrowUp: -1, ArrowLeft: -1, k: -1 }[event.key];
  if (step) {
    event.preventDefault();
    const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  } else if (at >= 0 && /^[1-9cu]$/.test(event.key)) {
    all[at].querySelector(`[data-key="${event.key}"]:not([disabled])`)?.click();
  }
});
// Settled: until then a new element carries the old one's class.
document.addEventListener("htmx:afterSettle", (event) => {
  const swapped = event.detail.elt;
  // A confirmed photo hands on to the next that is not.
  if (swapped.matches(".subject-choice")) {
    const all = [...document.querySelectorAll(".subject-choice")];
    const after = all.slice(all.indexOf(swapped) + 1).find((other) => !other.matches(".done"));
    (swapped.matches(".done") && after ? after : swapped).focus();
  }
});

// What a page says of itself in data-, for nothing in it is a script or a style of its own.
function settle(part) {
  for (const box of part.querySelectorAll("[data-box]")) {
    [box.style.left, box.style.top, box.style.width, box.style.height] = box.dataset.box.split(" ");
  }
}
settle(document);
document.addEventListener("htmx:load", (event) => settle(event.detail.elt.parentElement || document));
document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) window.print(); });
document.addEventListener("submit", (event) => {
  const asks = event.target.dataset.confirm;
  if (asks && !window.confirm(asks)) event.preventDefault();
});
document.addEventListener("htmx:afterRequest", (event) => {
  const goes = event.detail.elt.dataset.removes;
  if (goes && event.detail.successful) event.detail.elt.closest(goes)?.remove();
});

// One box that chooses all boxes of a name.
document.body.addEventListener("change", (event) => {
  const name = event.target.dataset?.all;
  if (name) for (const box of document.querySelectorAll(`input[type=checkbox][name="${name}"]`)) box.checked = event.target.checked;
});
