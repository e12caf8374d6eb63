import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/loadConfig.ts";
import { createLogger } from "../../../src/ops/logger.ts";
import { createObservers } from "../../../src/ops/observers.ts";
import { type AccountAddress, toAddress, wei } from "../../../src/protocol/brand.ts";

const [first, second] = ["1", "2"].map((digit) => toAddress<AccountAddress>(`0x${digit.repeat(40)}`)) as [
  AccountAddress,
  AccountAddress,
];
const { config } = loadConfig({ flags: { network: "devnet" }, env: {}, cwd: "/" });

const observe = (keys: readonly AccountAddress[], stalled?: () => string | undefined) => {
  const observers = createObservers({
    ...{ config, version: "1.2.3", nodeVersion: "v24", keys, clock: { now: () => 0, scheduler: undefined as never } },
    ...(stalled && { stalled }),
    logger: createLogger({ level: "info", format: "json", isTTY: false, destination: { write: () => undefined } }),
  });
  const figure = async (name: string) => {
    const line = (await observers.metrics.text()).split("\n").find((each) => each.startsWith(`ogpu_confirmd_${name} `));
    return Number(line?.split(" ")[1]);
  };
  const funds = (signer: AccountAddress, confirmations: number) => {
    observers.report({ type: "funds", signer, balance: wei(BigInt(confirmations) * 10n ** 16n), confirmations });
    observers.flush();
  };
  return { ...observers, figure, funds };
};

describe("the metrics show", () => {
  it("each check of /readyz, also that the pipe stands still", async () => {
    const { metrics, readiness } = observe([first], () => "no block since noon");
    const text = await metrics.text();
    for (const { name, ok } of readiness.checks())
      expect(text).toContain(`ogpu_confirmd_ready{check="${name}"} ${ok ? 1 : 0}\n`);
    expect(text).toContain('ogpu_confirmd_ready{check="pipe"} 0\n');
    expect(readiness.checks().find(({ name }) => name === "pipe")?.reason).toBe("no block since noon");
  });

  it("of several keys what the one can pay for whose money ends first, whichever was read last", async () => {
    const { funds, figure, readiness, report, flush } = observe([first, second]);
    funds(first, 3);
    funds(second, 80);
    expect([await figure("signer_confirmations_left"), await figure("signer_balance_ogpu")]).toEqual([3, 0.03]);
    // What the alert of that key says is its own figure, and moves nothing.
    report({ type: "balance", signer: second, balance: wei(1n), confirmations: 49, low: true });
    flush();
    expect([await figure("signer_confirmations_left"), await figure("signer_balance_ogpu")]).toEqual([3, 0.03]);
    funds(first, 90);
    expect(await figure("signer_confirmations_left")).toBe(80);
    expect(readiness.checks().find(({ name }) => name === "key")?.reason).toContain("gas of 80 confirmations");
  });

  it("no figure of a daemon without a key: an alert on few confirmations would fire for ever", async () => {
    const { metrics } = observe([]);
    expect(await metrics.text()).toMatch(/^ogpu_confirmd_signer_confirmations_left nan$/im);
  });
});
