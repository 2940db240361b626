/* A file of one run: the data stand in the page, as player/__init__.py packs them. */

import { Player } from "./player.js";

/** Tables from base64 columns, "d" (float64) or "f" (float32) in front. */
function unpack({ scene, ...tables }) {
  const decode = (packed) => {
    const bytes = Uint8Array.from(atob(packed.slice(1)), (c) => c.charCodeAt(0));
    return new (packed[0] === "d" ? Float64Array : Float32Array)(bytes.buffer);
  };
  const decoded = Object.entries(tables).map(([name, table]) => [
    name,
    Object.fromEntries(Object.entries(table).map(([column, packed]) => [column, decode(packed)])),
  ]);
  return { scene, ...Object.fromEntries(decoded) };
}

/** Starts the player of the page. */
export function playRun() {
  new Player(document.querySelector(".run-player")).update({
    data: unpack(JSON.parse(document.querySelector("#run-data").textContent)),
  });
}
