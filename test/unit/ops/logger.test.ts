import { HttpRequestError } from "viem";
import { describe, expect, it } from "vitest";
import { RetryableError } from "../../../src/errors.ts";
import { createLogger, type LoggerOptions } from "../../../src/ops/logger.ts";

const key = `0x${"8f2a559490d1c1c7".repeat(4)}`;
const rpc = "https://user:hunter2secret@rpc.example/v3/0123456789abcdef0123";
const anySecret = /8f2a559490d1c1c7|hunter2secret|0123456789abcdef0123/i;

const record = (options: Partial<LoggerOptions> = {}) => {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const logger = createLogger({
    level: "trace",
    format: "auto",
    isTTY: false,
    destination,
    secrets: [key],
    urls: [rpc],
    ...options,
  });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? "null") as Record<string, unknown> };
};

describe("createLogger", () => {
  it("writes one JSON record a line: time, level, fields and message", () => {
    const { logger, lines, last } = record();
    logger.child({ task: "0x1" }).info({ wei: 10n ** 18n, text: "a\nb" }, "task confirmed");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(last()).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      task: "0x1",
      wei: "1000000000000000000",
      text: "a\nb",
      msg: "task confirmed",
    });
  });

  it("leaves out what is below its level", () => {
    const { logger, lines } = record({ level: "warn" });
    logger.info({}, "no");
    logger.warn({}, "yes");
    expect(lines).toHaveLength(1);
  });

  it("scrubs messages, fields, child fields, errors, stacks and causes, in every format", () => {
    const error = new RetryableError(`no answer from ${rpc}`, {
      code: "RPC",
      cause: new HttpRequestError({ url: rpc, body: { params: [key] }, cause: new Error(`inner ${key.slice(2)}`) }),
    });
    for (const format of ["json", "pretty"] as const) {
      const { logger, lines } = record({ format });
      logger.error({ err: error }, `failed at ${rpc}`);
      logger.warn({ deep: { list: [{ key }, error] } }, "nested");
      logger.child({ url: rpc, key: key.toUpperCase() }).fatal({ error: new AggregateError([error], key) }, "all");
      logger.error(error);
      expect(lines).toHaveLength(4);
      expect(lines.join("")).not.toMatch(anySecret);
      expect(lines.join("")).toContain("rpc.example");
    }
  });

  it("keeps an error's code, remedy, stack and causes, wherever the error stands, and nothing else of it", () => {
    const { logger, last } = record();
    const cause = Object.assign(new TypeError("inner"), { request: { headers: "much" } });
    const error = new RetryableError("outer", { code: "RPC", remedy: "wait", cause });
    logger.error({ inner: { error } }, "failed");
    expect(last().inner).toEqual({
      error: {
        type: "RetryableError",
        message: "outer",
        code: "RPC",
        remedy: "wait",
        stack: expect.stringContaining("logger.test.ts"),
        cause: { type: "TypeError", message: "inner", stack: expect.any(String) },
      },
    });
    logger.error({ err: error }, "failed");
    expect(last().err).toMatchObject({ type: "RetryableError", code: "RPC", cause: { type: "TypeError" } });
  });

  it("keeps transaction hashes", () => {
    const { logger, last } = record();
    const hash = `0x${"ab".repeat(32)}`;
    logger.info({ hash }, "sent");
    expect(last().hash).toBe(hash);
  });

  it("survives cycles and cuts what is endless", () => {
    const { logger, lines, last } = record();
    const loop: Record<string, unknown> = { text: "x".repeat(100_000) };
    loop.self = loop;
    const error = new Error("round");
    error.cause = error;
    logger.info({ loop, error }, "odd");
    expect(last().msg).toBe("odd");
    expect(lines[0]?.length).toBeLessThan(150_000);
  });

  it.each([
    ["auto", true, true],
    ["auto", false, false],
    ["pretty", false, true],
    ["json", true, false],
  ] as const)("with format %s and terminal %s is pretty: %s", (format, isTTY, pretty) => {
    const { logger, lines } = record({ format, isTTY });
    logger.info({ a: 1 }, "hello");
    expect(lines.join("").startsWith("{")).toBe(!pretty);
    expect(lines.join("")).toContain("hello");
  });
});
