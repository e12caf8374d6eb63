const unit = 10n ** 18n;

/**
 * Wei as OGPU, at most four places; a remainder that is cut is told by `≈`.
 *
 * @param {string | bigint | null | undefined} wei Decimal.
 * @param {number} [places]
 */
export function ogpu(wei, places = 4) {
  if (wei === null || wei === undefined) return "–";
  const amount = BigInt(wei);
  const scale = 10n ** BigInt(18 - places);
  const rounded = (amount + scale / 2n) / scale;
  const whole = rounded / 10n ** BigInt(places);
  const fraction = String(rounded % 10n ** BigInt(places))
    .padStart(places, "0")
    .replace(/0+$/, "");
  const text = `${whole.toLocaleString("en")}${fraction && `.${fraction}`}`;
  return rounded * scale === amount ? text : `≈ ${text}`;
}

/** @param {string | bigint} wei As a number, for charts. */
export const ogpuNumber = (wei) => Number((BigInt(wei) * 1_000_000n) / unit) / 1_000_000;

/** @param {string | null | undefined} hex An address or a hash. */
export const short = (hex) => (hex ? `${hex.slice(0, 8)}…${hex.slice(-4)}` : "–");

/** @param {number} at Milliseconds since 1970. */
export const clock = (at) => new Date(at).toLocaleTimeString("en-GB");

/** @param {number} at Milliseconds since 1970. */
export const moment = (at) => `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** @param {number} ms A stretch of time. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** @param {number} count */
export const many = (count) => count.toLocaleString("en");
