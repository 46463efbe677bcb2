// A map with coasts, countries and states of our own, or an agency's streets; other scripts put things on it.
export function baseMap(holder, view, failed) {
  const map = L.map(holder, { worldCopyJump: true, minZoom: 1, maxZoom: 19 }).setView(...view);
  map.attributionControl.setPrefix(false);
  if (holder.dataset.tiles) {
    L.tileLayer(holder.dataset.tiles, { attribution: holder.dataset.credit, maxZoom: 19 }).addTo(map);
  } else {
    map.attributionControl.addAttribution("Natural Earth");
    coasts(holder, map).catch(() => failed("The coasts could not be loaded. What stands on the map is right all the same."));
  }
  return map;
}

// A plan of a site. The map, and where on it what stands at a share of the plan from its top and its left edge.
export async function planMap(holder, failed) {
  const map = L.map(holder, { crs: L.CRS.Simple, minZoom: -2, maxZoom: 4, zoomSnap: 0.25 });
  map.attributionControl.setPrefix(false);
  const picture = new Image();
  picture.src = holder.dataset.plan;
  await picture.decode().catch(() => failed("The plan's picture could not be loaded. What stands on it is right all the same."));
  const width = 1000, height = picture.naturalWidth ? (width * picture.naturalHeight) / picture.naturalWidth : width;
  const whole = [[0, 0], [height, width]];
  if (picture.naturalWidth) L.imageOverlay(picture.src, whole, { alt: "", className: "site-plan" }).addTo(map);
  map.fitBounds(whole).setMaxBounds(L.latLngBounds(whole).pad(0.5));
  return [map, (up, right) => [height * (1 - up), width * right]];
}

// A mark that does something: by mouse, finger, Enter and space.
export function onPress(marker, act) {
  marker.on("click", act);
  marker.on("keydown", ({ originalEvent }) => {
    if (originalEvent.key !== "Enter" && originalEvent.key !== " ") return;
    originalEvent.preventDefault();
    act();
  });
}

async function coasts(holder, map) {
  const [world, states] = await Promise.all(
    [holder.dataset.world, holder.dataset.states].map(async (url) => (await fetch(url)).json()),
  );
  const land = topojson.feature(world, world.objects.countries);
  // Nobody is looked for in Antarctica, and no square map shows it well.
  land.features = land.features.filter((country) => country.properties.name !== "Antarctica");
  for (const { geometry } of land.features) {
    for (const polygon of geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates) polygon.forEach((ring) => unbroken(ring));
  }
  L.geoJSON(land, { className: "land", interactive: false }).addTo(map);
  const borders = topojson.mesh(states, states.objects.states, (one, other) => one !== other);
  L.geoJSON(borders, { className: "state-line", interactive: false }).addTo(map);
}

// Land on both sides of the date line goes on beyond 180 degrees, and not once around the world.
export function unbroken(ring) {
  if (ring.some(([lon], at) => at && Math.abs(lon - ring[at - 1][0]) > 180)) {
    for (const place of ring) if (place[0] < 0) place[0] += 360;
  }
  return ring;
}
