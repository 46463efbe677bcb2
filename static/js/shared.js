// What the pages' scripts share: elements by their id, words in a corner, what the server asks of a request, pictures taken in.

export const byId = (id) => document.getElementById(id);

// Headers without which the server takes nothing that changes something.
export const csrf = () => JSON.parse(document.body.getAttribute("hx-headers"));

let toastTimer;
export function toast(text) {
  const place = byId("toast");
  place.textContent = text;
  place.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { place.hidden = true; }, 5000);
}

// A drop zone takes files by choice, drop and (where it says so) paste; `take` is called with them.
export function takePictures(zone, input, take) {
  input.addEventListener("change", () => take([...input.files]));
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.remove("over"); });
  }
  zone.addEventListener("drop", (event) => take([...event.dataTransfer.files]));
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      take([...event.clipboardData.files]);
    }
  });
}
