{% load static %}// Pages hold faces and names, so none is kept on the phone: without a network one page says so.
"use strict";
const OFFLINE = "{% url 'offline' %}";
const NAME = "sightline-1";
self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll([OFFLINE, "{% static 'css/sightline.css' %}"])).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.mode !== "navigate") return;
  event.respondWith(fetch(event.request).catch(() => caches.match(OFFLINE)));
});

// An alert while no page is open. What it says was encrypted for this browser alone.
self.addEventListener("push", (event) => {
  const said = event.data ? event.data.json() : {};
  const options = { body: said.body || "", icon: "{% static 'img/icon-192.png' %}", data: { url: said.url || "/alerts/" }, tag: said.title };
  event.waitUntil(self.registration.showNotification(said.title || "Sightline", options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data.url));
});
