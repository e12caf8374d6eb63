import { expect, it } from "vitest";
import { EndpointError, refusedBy } from "../../../src/chain/endpoints/endpointError.ts";
import { headNotShown } from "../../../src/chain/endpoints/farHead.ts";
import { RpcError } from "../../../src/chain/jsonRpc.ts";
import { createLogger } from "../../../src/ops/logger.ts";
import { logReports } from "../../../src/ops/logReports.ts";

it("quotes what a node said, beside the error of the endpoint: it may be about something else", () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const logger = createLogger({
    ...{ level: "info", format: "json", isTTY: false, destination },
    ...{ secrets: [], urls: ["https://rpc.example/0123456789abcdef0123"] },
  });
  const cause = new RpcError(
    `already known at https://rpc.example/0123456789abcdef0123 ${"x ".repeat(250)}`,
    -32000,
    "0x",
  );
  const error = new EndpointError("it refused one of 2 requests, and did not say which", { cause });
  logReports(logger)({ type: "endpoint", endpoint: "rpc.example", event: "down", error, forMs: 1_000 });
  logReports(logger)({
    type: "endpoint",
    endpoint: "rpc.example",
    event: "refused",
    error: refusedBy("rpc.example", "key", cause),
    forMs: 1_000,
  });
  logReports(logger)({
    type: "endpoint",
    endpoint: "rpc.example",
    event: "ahead",
    error: headNotShown("rpc.example", { head: 900n, asked: 836n, known: 7n }),
    forMs: 1_000,
  });
  expect(JSON.parse(lines[2] ?? "null")).toMatchObject({
    level: "warn",
    endpoint: "rpc.example",
    error: expect.stringMatching(
      /head is block 900, 893 above all that is known, and does not have block 836 — if it stays/,
    ),
  });
  expect(JSON.parse(lines[1] ?? "null")).toMatchObject({
    level: "error",
    error: expect.stringMatching(/^the endpoint rpc\.example refuses the key, or the plan has ended — look at its key/),
    said: expect.stringMatching(/^already known at .*x …$/),
  });
  const told = JSON.parse(lines[0] ?? "null") as Record<string, string>;
  expect(told).toMatchObject({ msg: "an endpoint fails", said: expect.stringMatching(/^already known at .*x …$/) });
  expect(told.error).not.toContain("already known");
  expect(told.said?.length).toBeLessThanOrEqual(200);
  for (const line of lines) expect(line).not.toContain("0123456789abcdef0123");
});
