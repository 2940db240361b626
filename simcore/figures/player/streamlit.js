/* The run player as Streamlit mounts it. */

import { mounting } from "../browser/mount.js";
import { Player } from "./player.js";

export default mounting(Player, ".run-player");
