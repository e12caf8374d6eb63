import type { IncomingMessage } from "node:http";
import { type Failure, failed } from "./failure.ts";

export const maxRedirects = 3;

const statuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Where an answer sends its reader; `undefined` where it is no redirect. */
export function locationOf({ statusCode = 0, headers }: Pick<IncomingMessage, "statusCode" | "headers">) {
  return statuses.has(statusCode) ? headers.location : undefined;
}

/** The URL that a redirect leads to, which is still to be checked as any other. */
export function followRedirect(from: URL, location: string): { readonly ok: true; readonly url: URL } | Failure {
  const url = URL.parse(location, from.href);
  if (!url) return failed("a redirect leads to no URL");
  if (from.protocol === "https:" && url.protocol === "http:") return failed("a redirect leads from https to http");
  return { ok: true, url };
}
