import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testNode } from "../../devnet/network.ts";
import { confirmData } from "../../src/chain/confirmPreviews.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { resultOf } from "../../src/chain/jsonRpc.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { nexusAbi } from "../../src/protocol/abi.ts";
import type { Hex, ResponseAddress } from "../../src/protocol/brand.ts";
import { toAddress, toNonce } from "../../src/protocol/brand.ts";
import { loadNativeCurve } from "../../src/signer/nativeCurve.ts";
import { privateKeySigner } from "../../src/signer/privateKeySigner.ts";
import { atMost, type Benchmark } from "../harness/benchmark.ts";
import { startChild } from "../harness/child.ts";
import { alternate } from "../harness/rounds.ts";
import { type AnsweredNetwork, openAnsweredNetwork, writeJournal } from "../sink/answeredNetwork.ts";

const count = 10_000;
const atOnce = 500;
const file = (name: string) => join(import.meta.dirname, name);

/** A restart with many confirmations in flight. */
export const recovery: Benchmark = {
  name: "recovery",
  what: `a journal with ${count} confirmations in flight is taken up again`,
  run: async ({ rounds, log }) => {
    log(`publishing and answering ${count} tasks …`);
    const network = await openAnsweredNetwork(count);
    const { devnet } = network;
    const directory = mkdtempSync(join(tmpdir(), "confirmd-bench-"));
    try {
      log(`signing, journalling and mining ${count} confirmations, and as many transactions that leave no log …`);
      const confirmed = join(directory, "confirmed.sqlite");
      const { controller, nexus } = devnet.deployment;
      await writeInFlight(confirmed, network, (response) => ({
        to: controller,
        data: confirmData(response),
        gas: 400_000n,
      }));
      const event = { abi: nexusAbi, address: nexus, eventName: "ResponseStatusChanged", fromBlock: 0n } as const;
      const logs = await devnet.publicClient.getContractEvents(event);
      if (logs.length !== count) throw new Error(`${logs.length} of ${count} were confirmed`);
      const stranger = toAddress(devnet.accounts.stranger.address);
      const silent = join(directory, "silent.sqlite");
      await writeInFlight(silent, network, () => ({ to: stranger, data: "0x", gas: 21_000n }));
      const journalPath = join(directory, "journal.sqlite");
      const fresh = (written: string) => {
        for (const suffix of ["", "-wal", "-shm"]) rmSync(`${journalPath}${suffix}`, { force: true });
        copyFileSync(written, journalPath);
      };
      const { rpc, chainId, accounts } = devnet;
      const { privateKey } = accounts.agent;
      const options = { ...rpc, chainId, privateKey, maxInFlight: 16, engine: "javascript", finality: 1_000 };
      const sinceSpawn = { confirmed: [] as number[], silent: [] as number[] };
      const resume = async (written: string, seconds: number[]) => {
        fresh(written);
        const child = startChild(file("resume.ts"), { core: 0, args: [{ ...options, journalPath, expected: count }] });
        const { resumedMs, sinceSpawnMs } = (await child.answer()) as { resumedMs: number; sinceSpawnMs: number };
        await child.stop();
        seconds.push(sinceSpawnMs / 1_000);
        return resumedMs / 1_000;
      };
      const { medians, all } = await alternate(rounds, () => undefined, {
        ours: () => resume(confirmed, sinceSpawn.confirmed),
        silent: () => resume(silent, sinceSpawn.silent),
        limit: async () => {
          fresh(confirmed);
          const child = startChild(file("readOnly.ts"), { core: 0, args: [journalPath] });
          const { inFlight, readMs } = (await child.answer()) as { inFlight: number; readMs: number };
          if (inFlight !== count) throw new Error(`${inFlight} are in flight`);
          await child.answers.next();
          return readMs / 1_000;
        },
      });
      const { limit } = medians;
      return {
        rows: [
          { label: `${count} in flight`, unit: "s", ours: medians.ours, limit },
          { label: "none of which left a log", unit: "s", ours: medians.silent, limit },
        ],
        goals: [atMost(`${count} in flight again, and each looked for on the chain, s`, 2, medians.ours)],
        detail: {
          ours: "the sink: read from the journal, put in flight, each one looked for on the chain by the logs of its confirmation, all of them stored as mined",
          silent:
            "the same with transactions that leave no log, as those that reverted: each receipt is asked for as well",
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

/** Confirmations that were broadcast, with transactions that the node has mined since. */
async function writeInFlight(
  path: string,
  network: AnsweredNetwork,
  callOf: (response: ResponseAddress) => { readonly to: Hex; readonly data: Hex; readonly gas: bigint },
): Promise<void> {
  const { rpc, chainId, accounts, network: chain, publicClient } = network.devnet;
  await writeJournal(path, network, network.answered);
  const journal = openSqliteJournal({ path, chainId });
  const node = createJsonRpc({ url: rpc.http, timeoutMs: 60_000 });
  const signer = privateKeySigner(accounts.agent.privateKey, loadNativeCurve());
  const first = await publicClient.getTransactionCount({ address: accounts.agent.address });
  const fees = { type: "eip1559", maxFeePerGas: 100n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n } as const;
  const intents = await journal.unsettled();
  for (let from = 0; from < intents.length; from += atOnce) {
    const attempts = [];
    for (const [offset, { id, response }] of intents.slice(from, from + atOnce).entries()) {
      const nonce = toNonce(first + from + offset);
      const signed = await signer.sign({ chainId, ...callOf(response), nonce, fees });
      const attempt = { kind: "confirm", ...signed, nonce, signedAt: Date.now() } as const;
      attempts.push({ confirmationId: id, signer: signer.address, attempt });
    }
    await journal.recordAttempts(attempts);
    await journal.markBroadcast(attempts.map(({ confirmationId }) => confirmationId));
    const raws = attempts.map(({ attempt }) => ({ method: "eth_sendRawTransaction", params: [attempt.raw] }));
    for (const answer of await node.batch(raws)) resultOf(answer);
    await testNode(chain, "evm_mine");
  }
  await journal.close();
}
