// Lets this browser be told by its push service, also when no page of Sightline is open.

import { byId, csrf } from "./shared.js";

const push = byId("push");
const pushProblem = byId("push-problem");
const canPush = "serviceWorker" in navigator && "PushManager" in window;
push.hidden = !canPush;

push.addEventListener("click", async () => {
  pushProblem.hidden = true;
  try {
    if (await Notification.requestPermission() !== "granted") {
      throw new Error("This browser may not show notifications from here. Allow it beside the address, then try again.");
    }
    const worker = await navigator.serviceWorker.ready;
    const wanted = { userVisibleOnly: true, applicationServerKey: push.dataset.key };
    const made = (await worker.pushManager.subscribe(wanted)).toJSON();
    const headers = csrf();
    const name = `${navigator.userAgentData?.platform || navigator.platform || "this"} browser`;
    const body = JSON.stringify({ endpoint: made.endpoint, keys: made.keys, name });
    const answer = await fetch(push.dataset.url, { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body });
    if (!answer.ok) throw new Error((await answer.json()).error || `The server answered ${answer.status}.`);
    location.reload();
  } catch (problem) {
    pushProblem.textContent = `This browser cannot be told: ${problem.message}`;
    pushProblem.hidden = false;
  }
});
