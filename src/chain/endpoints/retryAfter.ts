const longest = 5 * 60_000;

/**
 * Reads the header `Retry-After`: seconds, or a date. Never more than five minutes, so that no answer shuts an endpoint
 * off for good.
 *
 * @param now Milliseconds since 1970.
 * @returns milliseconds to wait; `undefined` where the header is missing or says nothing.
 * @example retryAfterMs("2", now) // 2000
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  const text = header?.trim();
  if (!text) return undefined;
  const wait = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(0, Math.round(wait)), longest);
}
