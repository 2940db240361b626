/* The cells of a map by keyboard, as Streamlit mounts them. */

import { mounting } from "../browser/mount.js";
import { Cells } from "./cells.js";

export default mounting(Cells, ".map-cells");
