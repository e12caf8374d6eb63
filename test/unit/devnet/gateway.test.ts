import { createHash } from "node:crypto";
import { base32 } from "multiformats/bases/base32";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Gateway, startGateway } from "../../../devnet/gateway.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.stop());

/** CIDv1, raw codec (0x55), sha2-256 (0x12), 32 bytes: written out, so that the gateway is not checked against itself. */
const expectedCid = (text: string) =>
  base32.encode(Uint8Array.from([0x01, 0x55, 0x12, 0x20, ...createHash("sha256").update(text).digest()]));

describe("the devnet's gateway", () => {
  test("names content by the CID that IPFS gives it", async () => {
    const url = await gateway.put("hello world");
    expect(url).toBe(`${gateway.url}/ipfs/${expectedCid("hello world")}`);
  });

  test("serves what was put, as JSON, and counts the requests", async () => {
    const url = await gateway.putJson({ function_name: "sentiment", data: { text: "good" } });
    expect(gateway.requestsTo(url)).toBe(0);
    const response = await fetch(url);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({ function_name: "sentiment", data: { text: "good" } });
    expect(gateway.requestsTo(url)).toBe(1);
  });

  test("answers 404 for a CID that it does not have", async () => {
    expect((await fetch(`${gateway.url}/ipfs/${expectedCid("unknown")}`)).status).toBe(404);
  });

  test("serves other bytes under the same CID once it is told to tamper", async () => {
    const url = await gateway.put("true");
    gateway.tamper(url, "false");
    expect(await (await fetch(url)).text()).toBe("false");
  });

  test("takes an upload as the network's upload service does", async () => {
    const body = new FormData();
    body.set("file", new Blob(["uploaded"]), "answer.json");
    const response = await fetch(`${gateway.url}/file/create`, { method: "POST", body });
    const { link } = (await response.json()) as { link: string };
    expect(link).toContain(expectedCid("uploaded"));
    expect(await (await fetch(link)).text()).toBe("uploaded");
  });

  test("streams a huge body without saying how long it is, and ends it at 64 MiB", async () => {
    const response = await fetch(gateway.hugeUrl);
    expect(response.headers.get("content-length")).toBeNull();
    let size = 0;
    for await (const chunk of response.body ?? []) size += chunk.length;
    expect(size).toBeGreaterThan(64 * 1024 * 1024);
    expect(size).toBeLessThan(65 * 1024 * 1024);
  });

  test("drips a slow body, and forgives a reader who leaves", async () => {
    const leaving = new AbortController();
    const response = await fetch(gateway.slowUrl, { signal: leaving.signal });
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(first?.value?.length).toBe(1);
    leaving.abort();
    await expect(reader?.read()).rejects.toThrow("aborted");
    expect((await fetch(await gateway.put("still alive"))).status).toBe(200);
  });

  test("refuses connections at the dead URL", async () => {
    await expect(fetch(gateway.deadUrl)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
  });
});
