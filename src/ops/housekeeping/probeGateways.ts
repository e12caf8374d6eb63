import type { Reporter } from "../../report.ts";

/** The empty block, by its identity CID: every gateway can answer it without asking anybody. */
const nothing = "ipfs/bafkqaaa";

/** Asks each gateway for nothing: an answer at all, short of a server's error, shows that it is there. */
export async function probeGateways(gateways: readonly string[], timeoutMs: number, report: Reporter): Promise<void> {
  await Promise.all(
    gateways.map(async (url) => {
      const { host } = new URL(url);
      const problem = await problemOf(new URL(nothing, url.endsWith("/") ? url : `${url}/`), timeoutMs);
      report(
        problem === undefined
          ? { type: "gateway", gateway: host, up: true }
          : { type: "gateway", gateway: host, up: false, problem },
      );
    }),
  );
}

async function problemOf(url: URL, timeoutMs: number): Promise<string | undefined> {
  try {
    const response = await fetch(url, { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    return response.status >= 500 ? `it answered with status ${response.status}` : undefined;
  } catch (error) {
    const code = ((error as Error).cause as { code?: unknown } | undefined)?.code;
    return (error as Error).name === "TimeoutError" ? "it did not answer in time" : `it cannot be reached (${code})`;
  }
}
