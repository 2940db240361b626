/* The run player on a page of its own, with the ruler, which it follows. */

import { Ruler } from "../ruler/ruler.js";
import { playRun } from "./opened.js";

playRun();
new Ruler(document.querySelector(".regime-ruler")).update({
  data: JSON.parse(document.querySelector("#ruler-data").textContent),
});
