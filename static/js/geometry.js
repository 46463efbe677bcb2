// Places in pictures: shown whole in a frame, zoomed and moved about its middle, mirrored; one face laid over another.

// How a picture lies in a frame: in pixels of the frame, before it is zoomed.
export function fitted(frame, picture) {
  const fit = Math.min(frame.w / picture.w, frame.h / picture.h);
  return { ...frame, width: picture.w * fit, height: picture.h * fit };
}

// Where a mark at x, y (0..1 of the picture) stands in the frame, pixels.
export function shownAt(place, zoom, x, y, mirrored) {
  const across = mirrored ? 1 - x : x;
  return [
    place.w / 2 + (across - 0.5) * place.width * zoom.scale + zoom.x,
    place.h / 2 + (y - 0.5) * place.height * zoom.scale + zoom.y,
  ];
}

// And back: which place of the picture, 0..1, lies under a pixel of the frame; nothing beside the picture.
export function pressedAt(place, zoom, px, py, mirrored) {
  const x = (px - place.w / 2 - zoom.x) / (place.width * zoom.scale) + 0.5;
  const y = (py - place.h / 2 - zoom.y) / (place.height * zoom.scale) + 0.5;
  if (x < 0 || x > 1 || y < 0 || y > 1) return null;
  return [mirrored ? 1 - x : x, y];
}

// One turn of the wheel. What is not zoomed is not moved either.
export function zoomed(zoom, closer) {
  const scale = Math.max(1, Math.min(8, zoom.scale * (closer ? 1.15 : 1 / 1.15)));
  return scale === 1 ? { scale, x: 0, y: 0 } : { ...zoom, scale };
}

// The turn, scale and shift that lay two eyes on two others, as a canvas takes it: a, b, c, d, e, f.
export function laidOver(source, target) {
  const vector = ([a, b]) => [b[0] - a[0], b[1] - a[1]];
  const [tx, ty] = vector(target), [sx, sy] = vector(source);
  const length = sx * sx + sy * sy || 1;
  const [cos, sin] = [(tx * sx + ty * sy) / length, (ty * sx - tx * sy) / length];
  const [x, y] = source[0];
  return [cos, sin, -sin, cos, target[0][0] - (cos * x - sin * y), target[0][1] - (sin * x + cos * y)];
}

// Where words beside boxes stand, so that they lie in the frame, on no box and on no other words: left and top of each,
// or nothing where there is no room. boxes: left, top, right, bottom. sizes: of the words, width and height. Pixels.
export function labelled(frame, boxes, sizes) {
  const taken = [...boxes];
  const meets = ([l, t, r, b]) => taken.some(([left, top, right, bottom]) => l < right && r > left && t < bottom && b > top);
  return boxes.map(([left, top, right, bottom], number) => {
    if (!sizes[number]) return null;
    const [w, h] = sizes[number];
    const middle = (left + right - w) / 2;
    const found = [
      [left, top - h], [right - w, top - h], [left, bottom], [right - w, bottom], [middle, top - h], [middle, bottom],
      [right, top], [left - w, top], [right, bottom - h], [left - w, bottom - h],
    ].find(([x, y]) => x >= 0 && y >= 0 && x + w <= frame.w && y + h <= frame.h && !meets([x, y, x + w, y + h]));
    if (!found) return null;
    taken.push([found[0], found[1], found[0] + w, found[1] + h]);
    return found;
  });
}
