import { credentialsIn, hidden } from "./maskUrl.ts";

export type Scrub = (text: string) => string;

/** Shorter ones would blank ordinary words; inside a URL the patterns catch those. */
const shortestSecret = 6;

/**
 * Makes a function that takes credentials out of text that leaves the process: log lines, errors, the CLI's output.
 *
 * @param secrets values that must never be seen, such as private keys (found with and without `0x`, in any case).
 * @param urls RPC endpoints: their user part, tokens in the path and query are hidden wherever they stand.
 * @example createScrubber([privateKey], [config.rpc.http])(error.stack)
 */
export function createScrubber(secrets: readonly string[], urls: readonly string[] = []): Scrub {
  const literals = [...secrets, ...urls.flatMap(credentialsIn)]
    .map((secret) => secret.trim())
    .filter((secret) => secret.length >= shortestSecret)
    .flatMap(spellings)
    .sort((a, b) => b.length - a.length);
  const known = literals.length > 0 ? new RegExp([...new Set(literals)].map(literally).join("|"), "gi") : undefined;
  return (text) => scrubPatterns(known ? text.replace(known, hidden) : text);
}

/** The ways in which a secret is written: raw, inside JSON, inside a URL. */
function spellings(secret: string): readonly string[] {
  if (/^(0x)?[0-9a-f]{64}$/i.test(secret)) {
    const digits = secret.replace(/^0x/i, "");
    return [`0x${digits}`, digits];
  }
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
}

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** Without knowing any secret: what looks like one by where it stands. Bounded, so that no text takes long. */
function scrubPatterns(text: string): string {
  return text
    .replace(/:\/\/[^\s/?#"'<>\\]{1,512}@/g, `://${hidden}@`)
    .replace(/\b(?:https?|wss?):\/\/[^\s"'<>\\]+/gi, maskTokens)
    .replace(/(authorization\\*["']?\s{0,4}[:=]\s{0,4}\\*["']?)[^"'\r\n,}\\]+/gi, `$1${hidden}`)
    .replace(/\b([Bb]earer|[Bb]asic|BEARER|BASIC)\s{1,4}(?=[a-z-]*[\d_~+/=A-Z])[\w.~+/=-]{8,}/g, `$1 ${hidden}`)
    .replace(/(private[\s_-]?key\\*["']?\s{0,4}[:=]?\s{0,4}\\*["']?)(?:0x)?[0-9a-f]{64}\b/gi, `$1${hidden}`);
}

/** Long tokens in a URL; hashes, addresses and content identifiers are nobody's secret. */
function maskTokens(url: string): string {
  return url
    .replace(/([?&](?:api[-_]?key|key|(?:access[-_]?)?token|secret|auth|pass(?:word)?)=)[^&#]+/gi, `$1${hidden}`)
    .replace(/(?<=[/=])(?<!:\/\/)[\w~-]{20,}/g, (token) => (isPublic(token) || !/\d/.test(token) ? token : hidden));
}

const isPublic = (token: string): boolean =>
  /^0x(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(token) || /^(?:Qm[1-9A-HJ-NP-Za-km-z]{44}|baf[a-z2-7]{50,})$/.test(token);
