// What is sent to be searched as a batch: its files a few at a time, with progress.

import { csrf } from "./shared.js";

const GROUP_FILES = 40;
const GROUP_BYTES = 64 * 1048576;

export function groups(chosen) {
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
    request.setRequestHeader("X-CSRFToken", csrf()["X-CSRFToken"]);
    request.upload.onprogress = (event) => sent(event.loaded);
    request.onload = () => {
      let answer = { errors: ["The server could not do that. Try again."] };
      try { answer = JSON.parse(request.responseText); } catch { /* not from our view */ }
      if (request.status < 300) done(answer);
      else failed(answer.errors || [answer.detail]);
    };
    request.onerror = () => failed(["The server cannot be reached. Nothing was begun; try again."]);
    request.send(body);
  });
}

// Begin a batch with a form's answers, send its files and addresses and start it. `say` is told the share that is sent.
// Gives its page and what was not taken; throws a list of errors where nothing was begun.
export async function sendBatch(action, answers, files, addresses, say) {
  const total = files.reduce((sum, file) => sum + file.size, 0) || 1;
  const refused = [];
  const batch = await post(action, answers);
  try {
    if (addresses) {
      const body = new FormData();
      body.append("addresses", addresses);
      refused.push(...(await post(batch.files, body)).errors);
    }
    let before = 0;
    for (const group of groups(files)) {
      const body = new FormData();
      for (const file of group) body.append("files", file, file.name);
      refused.push(...(await post(batch.files, body, (loaded) => say((before + loaded) / total))).errors);
      before += group.reduce((sum, file) => sum + file.size, 0);
    }
    await post(batch.start, new FormData());
  } catch (errors) {
    // What never began leaves nothing behind.
    await post(`${batch.page}remove/`, new FormData()).catch(() => {});
    throw [...refused, ...(Array.isArray(errors) ? errors : [String(errors)])];
  }
  return { page: batch.page, refused };
}

export function complain(place, errors) {
  for (const error of [errors].flat()) {
    const line = document.createElement("p");
    line.className = "notice bad";
    line.setAttribute("role", "alert");
    line.textContent = error;
    place.append(line);
  }
}

// To the batch; where something was not taken, with its reasons first.
export function arrive(sent, place, says) {
  if (!sent.refused.length) { location.href = sent.page; return; }
  complain(place, sent.refused.slice(0, 20));
  says.textContent = `Begun without ${sent.refused.length} of what you sent. `;
  const link = document.createElement("a");
  link.href = sent.page;
  link.textContent = "To the batch";
  says.append(link);
}
