export const hidden = "***";

/** A path segment or a value that may be an access token: long, and not a plain word like `mainnet` or `multichain`. */
const isTokenLike = (text: string): boolean => text.length >= 20 || (text.length >= 8 && !isPlainWord(text));

/** Random letters change from lower to upper case where words do not. */
const isPlainWord = (text: string): boolean => /^[a-z]+([-_][a-z]+)*$/i.test(text) && !/[a-z][A-Z]/.test(text);

/** A URL for people: user part, tokens in the path and the values of the query are replaced by `***`. */
export function maskUrl(url: string): string {
  const parsed = URL.parse(url);
  if (!parsed) return hidden;
  const user = parsed.username || parsed.password ? `${hidden}@` : "";
  const path = parsed.pathname
    .split("/")
    .map((segment) => (isTokenLike(segment) ? hidden : segment))
    .join("/");
  const query = parsed.search.replace(/=[^&]*/g, `=${hidden}`).replace(/(?<=[?&])[^=&]{8,}(?=&|$)/g, hidden);
  return `${parsed.protocol}//${user}${parsed.host}${path === "/" && !url.endsWith("/") ? "" : path}${query}`;
}

/** What in a URL must not be seen elsewhere either. */
export function credentialsIn(url: string): readonly string[] {
  const parsed = URL.parse(url);
  if (!parsed) return [];
  const user = decode(parsed.username);
  const password = decode(parsed.password);
  const query = parsed.search.slice(1).split(/[&=]/);
  return [
    ...(password ? [password, Buffer.from(`${user}:${password}`).toString("base64")] : []),
    ...[user, ...parsed.pathname.split("/"), ...query].filter(isTokenLike),
  ];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
