/* The size and the colours that a visitor chooses for files, and the format of a print that they mean
 * (see player/print.js). What was chosen last is kept by the browser.
 */

const PLACE = "symmetry-at-the-edge.take";
const USUAL = { size: "1920x1080", inches: 6.5, dpi: 300, text: 1, colours: "page" };
const LAYOUT = 1280; // CSS pixels that a picture in pixels is laid out in, at letters of usual size
const CSS_DPI = 96;
const MOST_PIXELS = 40e6; // of a canvas in every browser
const HIGHEST = 2; // of a picture whose height is as needed, times its width

export function chosen() {
  try {
    return { ...USUAL, ...JSON.parse(localStorage.getItem(PLACE)) };
  } catch {
    return USUAL; // a browser that keeps nothing, or something of another version
  }
}

export function choose(choice) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(choice));
  } catch {
    // nothing is lost but a habit
  }
}

function between(what, text, low, high, unit) {
  const value = Number(text);
  if (value >= low && value <= high) return value;
  throw new Error(`The ${what} must be between ${low} and ${high} ${unit}, got "${text}".`);
}

/** `darkPage`: whether the page is dark, whose colours may be chosen. */
export function formatOf({ size, inches, dpi, text, colours }, darkPage) {
  const dark = colours === "page" ? darkPage : colours === "dark";
  if (size !== "inches") {
    const [width, height] = size.split("x").map(Number);
    return { width, height, scale: (text * width) / LAYOUT, dark, dpi: null };
  }
  const across = between("width", inches, 2, 48, "inches"),
    dots = between("resolution", dpi, 72, 1200, "dots per inch"),
    width = 2 * Math.round((across * dots) / 2); // films take even sizes only
  if (HIGHEST * width ** 2 > MOST_PIXELS)
    throw new Error(
      `${across} inches at ${dots} dots per inch are more than a browser draws; ` +
        `take at most ${Math.floor(Math.sqrt(MOST_PIXELS / HIGHEST) / dots)} inches, or fewer dots.`,
    );
  return { width, height: null, scale: (text * dots) / CSS_DPI, dark, dpi: dots };
}
