import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { resultOf } from "../../src/chain/jsonRpc.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import type { AccountAddress, Hash, ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { toAddress, toNonce, wei } from "../../src/protocol/brand.ts";
import { loadNativeCurve } from "../../src/signer/nativeCurve.ts";
import { privateKeySigner } from "../../src/signer/privateKeySigner.ts";
import { atMost, type Benchmark } from "../harness/benchmark.ts";
import { startChild } from "../harness/child.ts";
import { alternate } from "../harness/rounds.ts";

const count = 10_000;
const atOnce = 500;
const file = (name: string) => join(import.meta.dirname, name);

/** A restart with many confirmations in flight. */
export const recovery: Benchmark = {
  name: "recovery",
  what: `a journal with ${count} confirmations in flight is taken up again`,
  run: async ({ rounds, log }) => {
    const devnet = await startDevnet({ anvilArgs: ["--gas-limit", "1000000000"] });
    const directory = mkdtempSync(join(tmpdir(), "confirmd-bench-"));
    try {
      const written = join(directory, "written.sqlite");
      log(`signing, journalling and mining ${count} transactions …`);
      await writeInFlight(written, devnet);
      const journalPath = join(directory, "journal.sqlite");
      const fresh = () => {
        for (const suffix of ["", "-wal", "-shm"]) rmSync(`${journalPath}${suffix}`, { force: true });
        copyFileSync(written, journalPath);
      };
      const { rpc, chainId, accounts } = devnet;
      const { privateKey } = accounts.agent;
      const options = { ...rpc, chainId, privateKey, maxInFlight: 16, engine: "javascript", finality: 1_000 };
      const sinceSpawn: number[] = [];
      const { medians, all } = await alternate(rounds, fresh, {
        ours: async () => {
          const child = startChild(file("resume.ts"), {
            core: 0,
            args: [{ ...options, journalPath, expected: count }],
          });
          const { resumedMs, sinceSpawnMs } = (await child.answer()) as { resumedMs: number; sinceSpawnMs: number };
          await child.stop();
          fresh();
          sinceSpawn.push(sinceSpawnMs / 1_000);
          return resumedMs / 1_000;
        },
        limit: async () => {
          const child = startChild(file("readOnly.ts"), { core: 0, args: [journalPath] });
          const { inFlight, readMs } = (await child.answer()) as { inFlight: number; readMs: number };
          if (inFlight !== count) throw new Error(`${inFlight} are in flight`);
          await child.answers.next();
          return readMs / 1_000;
        },
      });
      return {
        rows: [{ label: `${count} in flight`, unit: "s", ours: medians.ours, limit: medians.limit }],
        goals: [atMost(`${count} in flight again, and each looked for on the chain, s`, 2, medians.ours)],
        detail: {
          ours: "the sink: read from the journal, put in flight, each receipt asked for, all of them stored as mined",
          limit: "everything in flight is read from the same journal, nothing else",
          peer: "none: the network's own scripts keep nothing over a restart",
          node: "anvil, which has mined all of them; they are not final",
          secondsSinceTheProcessWasSpawned: sinceSpawn,
          all,
        },
      };
    } finally {
      await devnet.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

const numbered = <T>(prefix: string, index: number) => `0x${prefix}${index.toString(16).padStart(36, "0")}` as T;

/** Confirmations that were broadcast, with transactions that the node has mined since. */
async function writeInFlight(path: string, { rpc, chainId, accounts, network, publicClient }: Devnet): Promise<void> {
  const journal = openSqliteJournal({ path, chainId });
  const node = createJsonRpc({ url: rpc.http, timeoutMs: 60_000 });
  const signer = privateKeySigner(accounts.agent.privateKey, loadNativeCurve());
  const { number, hash } = await publicClient.getBlock();
  const block = { number, hash: hash as Hash };
  const first = await publicClient.getTransactionCount({ address: accounts.agent.address });
  const source = numbered<SourceAddress>("50ce", 1);
  const fees = { type: "eip1559", maxFeePerGas: 100n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n } as const;
  await testNode(network, "evm_setAutomine", [false]);
  for (let from = 0; from < count; from += atOnce) {
    const some = Array.from({ length: atOnce }, (_, offset) => ({
      task: numbered<TaskAddress>("7a5c", from + offset),
      response: numbered<ResponseAddress>("4e5b", from + offset),
      nonce: toNonce(first + from + offset),
    }));
    await journal.intake({ tasks: some.map(({ task }) => ({ task, source })), responses: some, touched: [] });
    const attempts = [];
    for (const { task, response, nonce } of some) {
      const verdict = { kind: "confirm", reason: "", until: undefined, mode: "enforce" } as const;
      const policy = { policy: "first-valid", policyDigest: "0".repeat(64) };
      const judged = { payloadDigest: "", payment: wei(1n), responseDigest: "", provider: undefined };
      const intent = await journal.decide([{ task, response, block, ...verdict, ...policy, ...judged }], Date.now());
      if (intent === undefined) throw new Error("the journal made no intent");
      const to = toAddress<AccountAddress>(accounts.stranger.address);
      const signed = await signer.sign({ chainId, to, data: "0x", gas: 21_000n, nonce, fees });
      const attempt = { kind: "confirm", ...signed, nonce, signedAt: Date.now() } as const;
      attempts.push({ confirmationId: intent.id, signer: signer.address, attempt });
    }
    await journal.recordAttempts(attempts);
    await journal.markBroadcast(attempts.map(({ confirmationId }) => confirmationId));
    const raws = attempts.map(({ attempt }) => ({ method: "eth_sendRawTransaction", params: [attempt.raw] }));
    for (const answer of await node.batch(raws)) resultOf(answer);
    await testNode(network, "evm_mine");
  }
  await journal.close();
}
