/* Undo, stage, its keys, full screen and laser dot, as Streamlit mounts them. */

import { mounting } from "../browser/mount.js";
import { Stage } from "./stage.js";

export default mounting(Stage, ".page-stage");
