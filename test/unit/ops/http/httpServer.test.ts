import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { exitCodes, RetryableError } from "../../../../src/errors.ts";
import { type HttpServerOptions, startHttpServer } from "../../../../src/ops/http/httpServer.ts";
import { createLogger } from "../../../../src/ops/logger.ts";
import { createMetrics } from "../../../../src/ops/metrics/createMetrics.ts";

const logger = createLogger({ level: "silent", format: "json", isTTY: false, destination: { write: () => {} } });

const start = async (options: Partial<HttpServerOptions> = {}) => {
  const server = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    livez: () => ({ ok: true }),
    readyz: () => [],
    metrics: createMetrics({ version: "1.2.3", nodeVersion: "v24" }),
    allowedHosts: [],
    scrub: (text) => text.replaceAll("s3cret", "***"),
    logger,
    ...options,
  });
  onTestFinished(() => server.stop().catch(() => {}));
  return { ...server, url: (path: string) => `http://127.0.0.1:${server.port}${path}` };
};

describe("startHttpServer", () => {
  it("answers ok while the daemon lives, whatever the query", async () => {
    const { url } = await start();
    for (const path of ["/livez", "/livez?verbose"]) {
      const response = await fetch(url(path));
      expect([response.status, await response.text()]).toEqual([200, "ok\n"]);
      expect(response.headers.get("cache-control")).toBe("no-store");
    }
  });

  it("says once that it listens, also where a name stands for several addresses", async () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const talking = createLogger({ level: "info", format: "json", isTTY: false, destination });
    const { port } = await start({ host: "localhost", logger: talking });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { msg: "http server listening", host: "localhost", port },
    ]);
  });

  it("answers 503 with the reason otherwise", async () => {
    const { url } = await start({ livez: () => ({ ok: false, reason: "no head for 40s" }) });
    const response = await fetch(url("/livez"));
    expect([response.status, await response.text()]).toEqual([503, "no head for 40s\n"]);
  });

  it("answers 503 without details when the check itself throws", async () => {
    const { url } = await start({
      livez: () => {
        throw new Error("internal detail");
      },
    });
    const response = await fetch(url("/livez"));
    expect([response.status, await response.text()]).toEqual([503, "the check itself failed\n"]);
  });

  it("answers HEAD without a body", async () => {
    const { url } = await start();
    const response = await fetch(url("/livez"), { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(response.headers.get("content-length")).toBe("3");
  });

  it.each([
    ["GET", "/"],
    ["GET", "/livez/"],
    ["GET", "/../livez%00"],
    ["POST", "/livez"],
    ["DELETE", "/livez"],
  ])("answers 404 to %s %s", async (method, path) => {
    const { url } = await start();
    expect((await fetch(url(path), { method })).status).toBe(404);
  });

  it("answers /readyz with 200 only when every check is fulfilled, and names each with its reason", async () => {
    let ok = false;
    const { url } = await start({
      readyz: () => [
        { name: "head", ok: true, reason: "block 7" },
        { name: "journal", ok, reason: ok ? "writable" : "disk full" },
      ],
    });
    const before = await fetch(url("/readyz"));
    expect([before.status, await before.text()]).toEqual([503, "ok   head: block 7\nFAIL journal: disk full\n"]);
    ok = true;
    expect((await fetch(url("/readyz"))).status).toBe(200);
  });

  it("serves the metrics, and counts its own requests by route, never by path", async () => {
    const { url } = await start();
    await fetch(url("/livez"));
    await fetch(url("/no/such/0x1234"));
    const text = await (await fetch(url("/metrics"))).text();
    expect(text).toContain('ogpu_confirmd_http_requests_total{route="/livez",status="200"} 1');
    expect(text).toContain('ogpu_confirmd_http_requests_total{route="none",status="404"} 1');
    expect(text).not.toContain("0x1234");
  });

  it("answers /metrics with 500 rather than with old numbers when one cannot be read", async () => {
    const metrics = createMetrics({ version: "1.2.3", nodeVersion: "v24" });
    let problem: Error | undefined = new Error("internal detail");
    metrics.beforeReading(() => {
      if (problem) throw problem;
    });
    const { url } = await start({ metrics });
    const refused = await fetch(url("/metrics"));
    expect([refused.status, await refused.text()]).toEqual([500, expect.not.stringMatching(/internal|ogpu_confirmd_/)]);
    problem = undefined;
    expect((await fetch(url("/metrics"))).status).toBe(200);
  });

  it("sends headers that let a browser run nothing from elsewhere", async () => {
    const { url } = await start();
    const { headers } = await fetch(url("/livez"));
    expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*script-src 'self';/);
    expect(headers.get("content-security-policy")).not.toContain("unsafe");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("access-control-allow-origin")).toBeNull();
  });

  it("takes credentials out of whatever it answers", async () => {
    const { url } = await start({ livez: () => ({ ok: false, reason: "https://node/s3cret does not answer" }) });
    expect(await (await fetch(url("/livez"))).text()).toBe("https://node/*** does not answer\n");
  });

  it("refuses a port that is in use, with what to do about it", async () => {
    const { port } = await start();
    const second = start({ port });
    await expect(second).rejects.toBeInstanceOf(RetryableError);
    await expect(second).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: `port ${port} of 127.0.0.1 is in use`,
      remedy: expect.stringContaining("http.port"),
      exitCode: exitCodes.temporary,
    });
  });

  it("refuses an address that this machine does not have", async () => {
    await expect(start({ host: "192.0.2.1" })).rejects.toMatchObject({ code: "HOST_UNAVAILABLE" });
  });

  it("answers 431 to headers beyond its limit", async () => {
    const { url } = await start();
    expect((await fetch(url("/livez"), { headers: { long: "x".repeat(10_000) } })).status).toBe(431);
  });

  it("stops with connections open, and frees the port", async () => {
    const server = await start();
    const socket = connect(server.port, "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve).on("error", () => {}));
    await new Promise((resolve) => socket.once("connect", resolve));
    await server.stop();
    await closed;
    const again = await start({ port: server.port });
    expect(again.port).toBe(server.port);
  });
});
