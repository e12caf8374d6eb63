import type { RequestListener } from "node:http";
import { type HostileRow, tooLarge, urlOf } from "./row.ts";

const row = (what: string, reason: string, body: string | Uint8Array, type = "application/json"): HostileRow => [
  what,
  reason,
  ({ reply }) => urlOf(reply(body, { "content-type": type })),
];

const gigabyte: RequestListener = (_request, response) => {
  const chunk = Buffer.alloc(65_536, "1");
  const write = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", write);
  write();
};

/** The head of an empty archive. */
const zip = Buffer.concat([Buffer.from("PK\x05\x06"), Buffer.alloc(18, 0xff)]);

export const bodies: readonly HostileRow[] = [
  ["a body without end", tooLarge, ({ serve }) => urlOf(serve(gigabyte))],
  [
    "a body that says it has 1 GB",
    tooLarge,
    ({ serve }) =>
      urlOf(
        serve((request, response) =>
          gigabyte(request, Object.assign(response, response.setHeader("content-length", 1e9))),
        ),
      ),
  ],
  [
    "a body in pieces of a byte each",
    "comes in pieces that are too small",
    ({ tcp }) => {
      const pieces = Buffer.from('1\r\n"\r\n'.repeat(200_000));
      const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
      return urlOf(
        tcp((socket) => void socket.once("data", () => socket.end(Buffer.concat([Buffer.from(head), pieces])))),
      );
    },
  ],
  row("JSON 100,000 deep", "JSON nests deeper than 64", "[".repeat(100_000) + "]".repeat(100_000)),
  row("objects 100,000 deep", "JSON nests deeper than 64", '{"a":'.repeat(100_000)),
  row("200,000 elements", "JSON has more than 10000 keys and elements", `[${"1,".repeat(200_000)}1]`),
  row("a repeated key", "JSON repeats a key", '{"confidence": 0.1, "confidence": 0.99}'),
  row("a repeated key, spelt otherwise", "JSON repeats a key", '{"a": 1, "\\u0061": 2}'),
  row("__proto__", "JSON has a key __proto__", '{"__proto__": {"valid": true}}'),
  row("NaN", "not JSON", '{"confidence": NaN}'),
  row("Infinity", "not JSON", '{"confidence": Infinity}'),
  row("a number that is Infinity", "JSON has a number that is too large", '{"confidence": 1e999}'),
  row("a lone surrogate", "JSON has a lone surrogate", '{"label": "\\ud800"}'),
  row("a lone surrogate in a key", "JSON has a lone surrogate", '{"\\udfff": 1}'),
  row("two byte-order marks", "not JSON", "\uFEFF\uFEFF{}"),
  row("UTF-16 with a byte-order mark", "not UTF-8", Buffer.from("\uFEFF{}", "utf16le")),
  row("UTF-16 without one", "not JSON", Buffer.from("{}", "utf16le")),
  row("Latin-1 that says it is UTF-8", "not UTF-8", Buffer.from('"é"', "latin1"), "application/json; charset=utf-8"),
  row("an overlong NUL", "not UTF-8", Uint8Array.of(0x22, 0xc0, 0x80, 0x22)),
  row("an encoded surrogate", "not UTF-8", Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)),
  row("an archive that says it is JSON", "not UTF-8", zip),
  row("JSON with something behind it", "not JSON", '{"a": 1} secret'),
  row("JSON with comments", "not JSON", '{"a": 1} // secret'),
  row("single quotes", "not JSON", "{'a': 1}"),
  row("nothing", "empty", ""),
  row("an error page with status 200", "an HTML page, not JSON", "<!DOCTYPE html><h1>502</h1>", "text/html"),
  row("an error page that says it is JSON", "an HTML page, not JSON", "\n <html><h1>secret</h1>"),
  row("a picture", "the content type is neither JSON nor text", "{}", "image/png"),
  row("an archive", "the content type is neither JSON nor text", "{}", "application/zip"),
  row("several parts", "the content type is neither JSON nor text", "{}", "multipart/mixed; boundary=secret"),
  ["inline text that is too long", tooLarge, () => "x".repeat(2_000_000)],
  ["inline JSON 100,000 deep", "JSON nests deeper than 64", () => "[".repeat(100_000)],
];
