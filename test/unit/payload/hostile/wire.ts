import { type HostileRow, urlOf } from "./row.ts";

const early = "the connection closed early (transient)";
const parse = (code: string) => `the connection failed: HPE_${code} (transient)`;

/** Sends bytes and hangs up. */
const sends = (what: string, reason: string, ...lines: string[]): HostileRow => [
  what,
  reason,
  ({ tcp }) => urlOf(tcp((socket) => void socket.once("data", () => socket.end(lines.join("\r\n"))))),
];

const ok = "HTTP/1.1 200 OK";

export const wire: readonly HostileRow[] = [
  ["a head of 20 kB", parse("HEADER_OVERFLOW"), ({ reply }) => urlOf(reply("{}", { "x-a": "a".repeat(20_000) }))],
  sends("a thousand heads", parse("HEADER_OVERFLOW"), ok, ...Array(5_000).fill("x-a: secret"), "", "{}"),
  sends("no HTTP", parse("INVALID_CONSTANT"), "secret", ""),
  sends("a status that is none", parse("INVALID_STATUS"), "HTTP/1.1 2x0 OK", "", ""),
  sends("a length that is too long", early, ok, "content-length: 99", "", "{}"),
  sends("two lengths", parse("UNEXPECTED_CONTENT_LENGTH"), ok, "content-length: 2", "content-length: 9", "", "{}"),
  sends("a length that is none", parse("INVALID_CONTENT_LENGTH"), ok, "content-length: -1", "", "{}"),
  sends(
    "a length and chunks",
    parse("INVALID_TRANSFER_ENCODING"),
    ok,
    "content-length: 2",
    "transfer-encoding: chunked",
    "",
    "2",
    "{}",
    "0",
    "",
    "",
  ),
  sends("a chunk whose size is none", early, ok, "transfer-encoding: chunked", "", "zz", "{}", ""),
  sends("a chunk that is longer than it says", early, ok, "transfer-encoding: chunked", "", "1", "{}", "0", "", ""),
  sends("chunks without an end", early, ok, "transfer-encoding: chunked", "", "2", "{}", ""),
  sends(
    "a chunk with a long extension",
    early,
    ok,
    "transfer-encoding: chunked",
    "",
    `2;${"a".repeat(20_000)}`,
    "{}",
    "0",
    "",
    "",
  ),
  sends(
    "another protocol",
    early,
    "HTTP/1.1 101 Switching Protocols",
    "connection: upgrade",
    "upgrade: secret",
    "",
    "",
  ),
  sends("part of something", "HTTP 206", "HTTP/1.1 206 Partial Content", "content-length: 2", "", "{}"),
  [
    "a reset",
    "the connection failed: ECONNRESET (transient)",
    ({ tcp }) => urlOf(tcp((socket) => void socket.once("data", () => socket.resetAndDestroy()))),
  ],
  [
    "nobody",
    "the connection failed: ECONNREFUSED (transient)",
    () => ({ data: "http://127.0.0.1:1/", options: { allowHosts: ["127.0.0.1:1"] } }),
  ],
  ["a name that is not there", "the connection failed: ENOTFOUND (transient)", () => "http://nobody.example/"],
  [
    "a certificate that nobody signed",
    "the connection failed: DEPTH_ZERO_SELF_SIGNED_CERT (transient)",
    async ({ tls }) => `https://${await tls((_request, response) => void response.end("{}"))}/`,
  ],
  [
    "https that is not",
    "the connection failed: EPROTO (transient)",
    async ({ reply }) => `https://${await reply("{}")}/`,
  ],
  ["no content", "HTTP 204", ({ reply }) => urlOf(reply("", {}, 204))],
  ["not found", "HTTP 404", ({ reply }) => urlOf(reply("secret", {}, 404))],
  ["too many requests", "HTTP 429 (transient)", ({ reply }) => urlOf(reply("secret", {}, 429))],
  ["a server that is down", "HTTP 503 (transient)", ({ reply }) => urlOf(reply("secret", {}, 503))],
];
