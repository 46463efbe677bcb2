// Whether an alert that comes is among those that a board was narrowed to.

// narrowed: what the board says in data-. card: what the card says. text: all that is written on it.
export function fits(narrowed, card, text) {
  const { camera, cameras, collection, kind, strength, whose, q, user } = narrowed;
  const written = text.toLowerCase();
  return (!camera || camera === card.camera)
    && (cameras === undefined || cameras.split(" ").includes(card.camera))
    && (!collection || collection === card.collection)
    && (!kind || kind === card.kind)
    && (!strength || strength === card.strength)
    && (!whose || (whose === "mine" ? card.assigned === user : !card.assigned))
    && (!q || q.toLowerCase().split(/\s+/).every((word) => written.includes(word)));
}
