/* The menu as Streamlit mounts it. */

import { mounting } from "../browser/mount.js";
import { Menu } from "./menu.js";

export default mounting(Menu, ".take");
