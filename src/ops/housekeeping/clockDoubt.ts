const hourMs = 3_600_000;

/**
 * Why no age is told by the machine's clock: ahead by days, it would have what a ceiling counts forgotten, and all the rest too soon.
 * @param now Milliseconds since 1970, by the machine. @param chainTime The same, of the chain's newest block.
 */
export function clockDoubt(now: number, chainTime: number): string | undefined {
  const ahead = now - chainTime;
  if (Math.abs(ahead) <= hourMs) return undefined;
  const hours = (Math.abs(ahead) / hourMs).toFixed(1);
  return `the machine's clock is ${hours} h ${ahead > 0 ? "ahead of" : "behind"} the chain's newest block`;
}
