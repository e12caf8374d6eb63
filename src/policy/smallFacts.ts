/** Characters and values together: what a policy's condition mostly gets is a tenth of it. */
const most = 16_384;

/**
 * Whether facts are so few that what is done to each of them takes no time to speak of, and read the same when they were
 * written as JSON: a number that JSON has not, such as the 1e999 of a payload, does not.
 *
 * @param facts JSON values; what is not looked at because it is too much costs nothing.
 */
export function areSmall(...facts: readonly unknown[]): boolean {
  const open: unknown[] = [...facts];
  let size = 0;
  while (open.length > 0) {
    const value = open.pop();
    size += 1;
    if (typeof value === "string") size += value.length;
    else if (typeof value === "number") {
      if (!Number.isFinite(value) || Object.is(value, -0)) return false;
    } else if (typeof value === "object" && value !== null) {
      for (const key in value) {
        size += key.length;
        if (size + open.length > most) return false;
        open.push((value as Readonly<Record<string, unknown>>)[key]);
      }
    }
    if (size > most) return false;
  }
  return true;
}
