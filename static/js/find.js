// A camera that was found in the network: its streams, and one of them put into the form that adds it.

import { byId } from "./shared.js";

const find = document.querySelector("#find form");
const add = byId("add");
let called = "";

byId("found").addEventListener("click", ({ target }) => {
  const { device, use, name } = target.dataset;
  if (device) {
    find.elements.device.value = device;
    called = name;
    find.requestSubmit();
  }
  if (use) take(use);
});

// The password goes from one field to the other here, and is in no answer of the server's.
function take(address) {
  const [user, password] = ["user", "password"].map((name) => encodeURIComponent(find.elements[name].value));
  add.elements.source.value = user ? address.replace("://", `://${user}:${password}@`) : address;
  if (!add.elements.name.value) add.elements.name.value = called;
  add.elements.name.focus();
  add.querySelector("[hx-post]").click();
}
