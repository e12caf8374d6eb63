import { nexusAbi } from "../../src/protocol/abi.ts";
import type { Hash } from "../../src/protocol/brand.ts";
import { ResponseStatus, TaskStatus } from "../../src/protocol/statuses.ts";
import { agentPool } from "./agentPool.ts";
import type { JournalReader, Replaced } from "./journalFile.ts";
import type { Stage } from "./stage.ts";

export type Audit = {
  /** What must not be; empty where all is well. */
  readonly violations: readonly string[];
  readonly tasksPaidOnce: number;
  readonly responsesConfirmed: number;
  /** Transactions of the daemon's key that were mined: its own, and those of others. */
  readonly mined: { readonly ours: number; readonly foreign: number; readonly confirmations: number };
  readonly replaced: Replaced;
};

export type AuditDeps = {
  readonly stage: Stage;
  readonly journal: JournalReader;
  readonly foreign: ReadonlySet<Hash>;
  /** The account's count, and the block, before the first daemon. */
  readonly firstNonce: number;
  readonly firstBlock: bigint;
  /** Nonces that a daemon took for used by somebody else, finally. @default none */
  readonly givenUp?: ReadonlySet<number> | undefined;
};

/** Holds what the daemons did against the chain's own events, blocks and pool. */
export async function audit({ stage, journal, foreign, firstNonce, firstBlock, givenUp }: AuditDeps): Promise<Audit> {
  const { devnet, tasks } = stage;
  const { publicClient, deployment, accounts } = devnet;
  const violations: string[] = [];
  const agent = accounts.agent.address.toLowerCase();

  const events = { address: deployment.nexus, abi: nexusAbi, fromBlock: 0n } as const;
  const statuses = await publicClient.getContractEvents({ ...events, eventName: "TaskStatusChanged" });
  const payments = new Map<string, Hash[]>();
  for (const { args, transactionHash } of statuses) {
    if (args.status !== TaskStatus.FINALIZED || !args.task) continue;
    const task = args.task.toLowerCase();
    payments.set(task, [...(payments.get(task) ?? []), transactionHash as Hash]);
  }
  for (const task of tasks) {
    const times = payments.get(task)?.length ?? 0;
    if (times !== 1) violations.push(`task ${task} was paid ${times} times`);
  }
  const responses = await publicClient.getContractEvents({ ...events, eventName: "ResponseStatusChanged" });
  const confirmed = responses.filter(({ args }) => args.status === ResponseStatus.CONFIRMED).length;
  if (confirmed !== tasks.length) violations.push(`${confirmed} responses were confirmed, of ${tasks.length} tasks`);

  const signed = await journal.signed();
  const mined = { ours: 0, foreign: 0, confirmations: 0 };
  const head = await publicClient.getBlockNumber();
  for (let blockNumber = firstBlock + 1n; blockNumber <= head; blockNumber++) {
    const { transactions } = await publicClient.getBlock({ blockNumber, includeTransactions: true });
    for (const { from, hash, input, nonce } of transactions) {
      if (from.toLowerCase() !== agent) continue;
      if (foreign.has(hash as Hash)) {
        mined.foreign++;
        continue;
      }
      mined.ours++;
      if (!signed.has(hash as Hash)) violations.push(`nonce ${nonce}, ${hash}, was mined and is not in the journal`);
      if (input === "0x") continue;
      mined.confirmations++;
      if (givenUp?.has(nonce))
        violations.push(`nonce ${nonce} was taken for a stranger's, and ${hash} is the daemon's`);
      const { status } = await publicClient.getTransactionReceipt({ hash });
      if (status !== "success") violations.push(`the confirmation ${hash} in nonce ${nonce} was mined and reverted`);
    }
  }
  const latest = await publicClient.getTransactionCount({ address: accounts.agent.address });
  const pending = await publicClient.getTransactionCount({ address: accounts.agent.address, blockTag: "pending" });
  const waiting = await agentPool(devnet);
  if (waiting.length > 0 || pending !== latest) violations.push(`${waiting.length} transactions are still pending`);
  const highest = await journal.highestNonce();
  if (highest >= latest) {
    violations.push(`a gap: nonce ${highest} was signed, and the account stands at ${latest}`);
  }
  if (latest - firstNonce !== mined.ours + mined.foreign) {
    violations.push(`${latest - firstNonce} nonces were used, by ${mined.ours + mined.foreign} transactions`);
  }

  const rows = await journal.confirmations();
  for (const task of tasks) {
    const finals = rows.filter((row) => row.task === task && row.state === "final");
    const [paid] = payments.get(task) ?? [];
    if (finals.length !== 1 || finals[0]?.mined_hash !== paid) {
      const told = rows.filter((row) => row.task === task).map(({ state, reason }) => `${state} ${reason}`);
      violations.push(`task ${task}: the chain says it was paid by ${paid}, the journal: ${told.join("; ")}`);
    }
  }
  return {
    violations,
    tasksPaidOnce: tasks.filter((task) => payments.get(task)?.length === 1).length,
    responsesConfirmed: confirmed,
    mined,
    replaced: await journal.replaced(),
  };
}
