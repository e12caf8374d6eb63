/**
 * Takes the user part out of a URL, because neither `fetch` nor `WebSocket` sends it.
 * @returns the rest, and the value of an `Authorization` header.
 */
export function splitCredentials(url: string): { readonly address: string; readonly authorization?: string } {
  const parsed = new URL(url);
  if (!parsed.username && !parsed.password) return { address: parsed.href };
  const credentials = `${decoded(parsed.username)}:${decoded(parsed.password)}`;
  parsed.username = "";
  parsed.password = "";
  return { address: parsed.href, authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
}

/** A stray `%` stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
