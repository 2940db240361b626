/** Seconds from picture to picture where the visitor wants no motion. */
export const SECONDS_PER_STILL = 0.5;
