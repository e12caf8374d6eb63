/**
 * Since when something is so that was seen before, or is seen now for the first time. A clock that was set back meanwhile says nothing
 * of how long that is: it counts from now on.
 */
export const firstSeen = (before: number | undefined, now: number): number => Math.min(before ?? now, now);
