import { parseTransaction } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Hex, TaskAddress } from "../../src/protocol/brand.ts";
import { checksummed } from "../../src/protocol/brand.ts";
import { confirmationsOnChain } from "../support/chainTruth.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";
import { journalRows, openPayStage, type PayStage, timesLogged, toldOf } from "../support/payStage.ts";
import { type RefusingProxy, startRefusingProxy } from "../support/refusingProxy.ts";

let stage: PayStage;
let proxy: RefusingProxy;
let home: Home;
let daemon: DaemonProcess;

beforeEach(async () => {
  stage = await openPayStage();
  proxy = await startRefusingProxy(stage.devnet.rpc.http);
});
afterEach(async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
  home.remove();
  await proxy.stop();
  await stage.devnet.stop();
});

const text = "exceeds block gas limit";
const start = (http: readonly string[]) => {
  home = createHome(stage.devnet, { rpc: { http }, chain: { finality: 1 }, sink: { rebroadcastAfter: "1s" } });
  daemon = startDaemon({ home, privateKey: stage.devnet.accounts.agent.privateKey });
};
const nonceOf = (raw: Hex) => parseTransaction(raw).nonce ?? 0;
const isConfirm = (raw: Hex) => parseTransaction(raw).data !== undefined;
const counts = async () => {
  const { address } = stage.devnet.accounts.agent;
  const count = (blockTag: "latest" | "pending") =>
    stage.devnet.publicClient.getTransactionCount({ address, blockTag });
  return { latest: await count("latest"), pending: await count("pending") };
};
const paidTimes = async (task: TaskAddress) => (await confirmationsOnChain(stage.devnet)).get(task) ?? 0;

describe("a transaction that nodes refuse for good", () => {
  it("is given up in its nonce, so that those behind it are paid; its confirmation is dead, and nothing is paid for it", async () => {
    const before = (await counts()).latest;
    // Everything that would pay in the first nonce is refused: the call, and the call signed anew.
    proxy.set((raw) => (nonceOf(raw) === before && isConfirm(raw) ? text : undefined));
    start([proxy.http]);
    const tasks = await stage.answeredTasks(3);
    await daemon.ready();
    const [dead] = await stage.mineUntil(Promise.all([toldOnce("dead"), finals(2)]));
    const paid = await Promise.all(tasks.map(paidTimes));
    expect(paid.toSorted()).toEqual([0, 1, 1]);
    const unpaid = tasks[paid.indexOf(0)] as TaskAddress;
    expect(dead).toMatchObject({ task: checksummed(unpaid), reason: `nodes refuse it for good: ${text}` });
    expect(timesLogged(daemon, "nodes refuse a transaction for good: the call is signed anew in its nonce")).toBe(1);
    expect(timesLogged(daemon, "nodes refuse a confirmation for good: its nonce is used up without paying")).toBe(1);
    expect(await counts()).toEqual({ latest: before + 3, pending: before + 3 });
    expect(new Set(proxy.refused.map(nonceOf))).toEqual(new Set([before]));
    const kinds = journalRows(
      home,
      "SELECT kind FROM attempts WHERE nonce = (SELECT min(nonce) FROM attempts) ORDER BY ordinal",
    );
    expect(kinds.map(({ kind }) => kind).slice(0, 3)).toEqual(["confirm", "confirm", "cancel"]);
  });

  it("is paid where the same call, signed anew in the same nonce, is taken", async () => {
    const before = (await counts()).latest;
    let first: Hex | undefined;
    proxy.set((raw) => {
      first ??= raw;
      return raw === first ? text : undefined;
    });
    start([proxy.http]);
    const [task] = (await stage.answeredTasks(1)) as [TaskAddress];
    await stage.mineUntil(toldOf(daemon, "final", [task]));
    expect(await paidTimes(task)).toBe(1);
    expect(timesLogged(daemon, "nodes refuse a transaction for good: the call is signed anew in its nonce")).toBe(1);
    expect(await counts()).toEqual({ latest: before + 1, pending: before + 1 });
  });

  it("is nothing to worry about where another endpoint takes it", async () => {
    proxy.set(() => text);
    start([proxy.http, stage.devnet.rpc.http]);
    const [task] = (await stage.answeredTasks(1)) as [TaskAddress];
    await stage.mineUntil(toldOf(daemon, "final", [task]));
    expect(await paidTimes(task)).toBe(1);
    expect(timesLogged(daemon, "nodes refuse a transaction for good: the call is signed anew in its nonce")).toBe(0);
    expect(journalRows(home, "SELECT count(*) AS n FROM attempts")).toEqual([{ n: 1 }]);
  });
});

const toldOnce = (state: string) => daemon.logged((each) => each.msg === "confirmation" && each.state === state);
/** When so many confirmations are final. */
const finals = async (count: number): Promise<void> => {
  const told = new Set<unknown>();
  while (told.size < count) {
    const { task } = await daemon.logged(
      (each) => each.msg === "confirmation" && each.state === "final" && !told.has(each.task),
    );
    told.add(task);
  }
};
