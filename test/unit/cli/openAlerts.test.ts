import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished, vi } from "vitest";
import { openAlerts } from "../../../src/cli/openAlerts.ts";
import { openSupervisor } from "../../../src/cli/openSupervisor.ts";
import { steadyClock } from "../../../src/clock.ts";
import { unborn, type Vitals } from "../../../src/ops/vitals.ts";
import { unixSeconds } from "../../../src/protocol/brand.ts";

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
  const minutesAgo = (minutes: number) => steadyClock.now() - minutes * 60_000;
  let vitals: Vitals = {
    ...unborn,
    head: 900n,
    checkpoint: 100n,
    headAt: steadyClock.now(),
    behindSince: minutesAgo(4),
  };
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

it("blames no endpoint, and no pipe, for the hours that the machine slept or that its clock was set forward by", async () => {
  const told: string[] = [];
  vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const config = {
    alerts: { format: "generic", after: 120_000, repeatAfter: 3_600_000, timeout: 5_000 },
    network: "mainnet",
    journal: { path: "/dev/null/journal.sqlite" },
    rpc: { timeout: 10_000 },
  } as never;
  const supervisor = openSupervisor({ env: {} } as never, config, {} as never, () => undefined);
  supervisor.start({ oldestLook: () => undefined } as never);
  const alerts = openAlerts({
    config,
    url: undefined,
    logger: {} as never,
    scrub: (text) => text,
    metrics: () => ({ add: (name) => told.push(name) }),
    vitals: supervisor.vitals,
    waiting: () => ({ count: 0, oldest: undefined }) as never,
  });
  onTestFinished(alerts.close);
  supervisor.note({ type: "head", number: 1n, timestamp: unixSeconds(0) });
  vi.setSystemTime(Date.now() + 3 * 3_600_000);
  expect(supervisor.stalled()).toBeUndefined();
  supervisor.stop();
  vi.advanceTimersByTime(6_000);
  expect(told).toEqual([]);
});
