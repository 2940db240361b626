/* How the menu of a page asks for files of what a picture on it shows: an event on the document, whose
 * detail {kind: "png" | "svg" | "mp4", format, tell} is given a promise by the one who makes the file.
 */

export const WANTED = "symmetry-at-the-edge.wanted";
