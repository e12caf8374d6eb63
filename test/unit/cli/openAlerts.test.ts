import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished, vi } from "vitest";
import { openAlerts } from "../../../src/cli/openAlerts.ts";
import { unborn, type Vitals } from "../../../src/ops/vitals.ts";

it("tells the webhook of a scanner that comes no further for minutes although heads come, and that it reads on", async () => {
  const told: { key: string; state: string; severity: string; text: string }[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    told.push(JSON.parse(text));
    response.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const minutesAgo = (minutes: number) => Date.now() - minutes * 60_000;
  let vitals: Vitals = { ...unborn, head: 900n, checkpoint: 100n, headAt: Date.now(), behindSince: minutesAgo(4) };
  // By which it looks around; all else takes its real time.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const alerts = openAlerts({
    config: {
      alerts: { format: "generic", after: 120_000, repeatAfter: 3_600_000, timeout: 5_000 },
      network: "mainnet",
      journal: { path: "/dev/null/journal.sqlite" },
    } as never,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    logger: { warn: (_: unknown, text: string) => expect.fail(text) } as never,
    scrub: (text) => text,
    metrics: () => undefined,
    vitals: () => vitals,
    waiting: () => ({ count: 0, oldest: undefined }) as never,
  });
  onTestFinished(alerts.close);
  const patience = { timeout: 30_000 };
  vi.advanceTimersByTime(6_000);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(told).toEqual([]);
  vitals = { ...vitals, behindSince: minutesAgo(6) };
  vi.advanceTimersByTime(5_000);
  await expect
    .poll(() => told, patience)
    .toMatchObject([
      {
        key: "behind",
        state: "firing",
        severity: "critical",
        text: expect.stringMatching(/^the scanner is 800 blocks behind the head and stands at block 100 for 3\d\ds\. /),
      },
    ]);
  vitals = { ...vitals, checkpoint: 900n, behindSince: undefined };
  vi.advanceTimersByTime(5_000);
  await expect.poll(() => told, patience).toMatchObject([{}, { key: "behind", state: "resolved" }]);
}, 90_000);
