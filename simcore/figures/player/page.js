/* The run player on a page of its own. */

import { playRun } from "./opened.js";

playRun();
