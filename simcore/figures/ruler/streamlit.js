/* The regime ruler as Streamlit mounts it. */

import { mounting } from "../browser/mount.js";
import { Ruler } from "./ruler.js";

export default mounting(Ruler, ".regime-ruler");
