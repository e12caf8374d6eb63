import { NEVER } from "rxjs";
import type { TwoOpinions } from "../../src/chain/askTwice.ts";
import type { BroadcastAnswer, ChainPort, Head, Receipt, Snapshot } from "../../src/chain/chainPort.ts";
import type { PaymentAsk, PaymentStanding, PaymentStandings } from "../../src/chain/paymentStandings.ts";
import { RetryableError } from "../../src/errors.ts";
import type { AccountAddress, Hash, ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { toNonce, unixSeconds, wei } from "../../src/protocol/brand.ts";
import type { Response, Source, Task } from "../../src/protocol/entities.ts";
import { DeliveryMethod, ResponseStatus, SourceStatus, TaskStatus } from "../../src/protocol/statuses.ts";

export const address = <T>(number: number) => `0x${number.toString(16).padStart(40, "0")}` as T;
export const hashOf = (number: number | bigint): Hash => `0x${number.toString(16).padStart(64, "0")}`;

export const task = address<TaskAddress>(0x1a);
export const source = address<SourceAddress>(0x2a);
export const response = address<ResponseAddress>(0x3a);
export const client = address<AccountAddress>(0x4a);

export const headAt = (number: bigint, changes: Partial<Head> = {}): Head => ({
  number,
  hash: hashOf(number),
  parentHash: hashOf(number - 1n),
  timestamp: unixSeconds(1_000),
  baseFeePerGas: 1n,
  ...changes,
});

/** What a node answers of a range that holds no events. */
export const emptyRange = async (from: bigint, to: bigint, blockAt: (number: bigint) => Head = headAt) => ({
  events: [],
  parentHash: blockAt(from).parentHash,
  last: blockAt(to),
});

export const aSource = (changes: Partial<Source> = {}): Source => ({
  address: source,
  client,
  status: SourceStatus.ACTIVE,
  deliveryMethod: DeliveryMethod.MANUAL_CONFIRMATION,
  minPayment: wei(1n),
  minAvailableLockup: wei(0n),
  maxExpiryDuration: 3_600,
  ...changes,
});
export const aTask = (changes: Partial<Task> = {}): Task => ({
  address: task,
  source,
  config: "{}",
  expiryTime: unixSeconds(5_000),
  payment: wei(100n),
  deliveryMethod: DeliveryMethod.MANUAL_CONFIRMATION,
  status: TaskStatus.RESPONDED,
  ...changes,
});
export const aResponse = (changes: Partial<Response> = {}): Response => ({
  address: response,
  task,
  provider: address<AccountAddress>(0x5a),
  data: "{}",
  payment: wei(80n),
  status: ResponseStatus.SUBMITTED,
  submittedAt: unixSeconds(900),
  ...changes,
});
export const aSnapshot = (changes: Partial<Snapshot> = {}): Snapshot => ({
  block: headAt(100n),
  task: aTask(),
  source: aSource(),
  responses: [aResponse()],
  untold: [],
  ...changes,
});

/** The task that is asked for, with the response that is. */
export const snapshotOf: ChainPort["snapshot"] = async (task, _, [response]) =>
  aSnapshot({ task: aTask({ address: task }), responses: response ? [aResponse({ address: response, task })] : [] });

export const aReceipt = (hash: Hash, blockNumber = 100n, changes: Partial<Receipt> = {}): Receipt => ({
  hash,
  blockNumber,
  blockHash: hashOf(blockNumber),
  succeeded: true,
  gasUsed: 1n,
  gasPrice: 1n,
  ...changes,
});

export type ReceiptOf = (hash: Hash) => Promise<Receipt | undefined>;

/** What a test says of a chain. */
export type FakeAnswers = Partial<ChainPort> & {
  /** Of each transaction, however many are asked for at once. @default there is none */
  readonly receipt?: ReceiptOf;
};

const usual: Partial<ChainPort> = {
  head$: NEVER,
  liveEvents$: NEVER,
  head: async () => headAt(100n),
  finalBlock: async ({ number }) => number - 3n,
  snapshot: async () => aSnapshot(),
  simulateConfirm: async () => ({ ok: true, gas: 100_000n }),
  fees: async () => ({ type: "eip1559", maxFeePerGas: 20n, maxPriorityFeePerGas: 2n }),
  minedNonce: async () => toNonce(0),
  balance: async () => wei(10n ** 20n),
  broadcast: async () => ({ ok: true }),
  revertOf: async () => undefined,
  confirmedIn: async () => new Map(),
  findInBlocks: async () => undefined,
  passOverForReceipts: async () => undefined,
};

/** Two endpoints, as each of them answers. */
export const byTwo =
  <Args extends readonly unknown[], T>(one: (...args: Args) => Promise<T>, other = one) =>
  (...args: Args): Promise<TwoOpinions<T>> =>
    Promise.allSettled([one(...args), other(...args)]);

/** What decides whether payments can be made, as these snapshots have it. */
export async function standingsIn(
  snapshot: ChainPort["snapshot"],
  payments: readonly PaymentAsk[],
  at: bigint,
): Promise<PaymentStandings> {
  const found = await Promise.all(payments.map((each) => snapshot(each.task, source, [each.response], at)));
  const standings = found.map(({ task, responses }) => {
    return { taskStatus: task.status, expiresAt: task.expiryTime, response: responses[0] };
  });
  return { block: found[0]?.block ?? headAt(at), standings };
}

/** What asks for several at once, or for the same in another way, out of what asks for one: a test needs to say only the latter. */
const several = (chain: ChainPort, receipt: ReceiptOf): Partial<ChainPort> => ({
  previews: (asks) =>
    Promise.all(
      asks.map(async ({ task: asked, response: its, from }) => {
        try {
          const { block, task, responses } = await chain.snapshot(asked, source, [its]);
          const simulation = await chain.simulateConfirm(from, its);
          return { block: block.number, taskStatus: task.status, response: responses[0], simulation };
        } catch (error) {
          return error as Error;
        }
      }),
    ),
  broadcastAll: async (raws) => {
    const answers: BroadcastAnswer[] = [];
    for (const raw of raws) answers.push(await chain.broadcast(raw));
    return answers;
  },
  termsByTwo: byTwo(async (tasks, at) => {
    const found = await Promise.all(tasks.map((each) => chain.snapshot(each, source, [], at)));
    return { block: headAt(at), terms: found.map(({ task }) => task) };
  }),
  paymentsByTwo: byTwo((payments, at) => standingsIn(chain.snapshot, payments, at)),
  minedNonceElsewhere: async (account, block) => ({ mined: await chain.minedNonce(account, block), block }),
  pendingNonce: (account) => chain.minedNonce(account),
  pendingNonceElsewhere: (account) => chain.pendingNonce(account),
  receiptsAt: async (hashes) => {
    const receipts = await Promise.all(hashes.map(receipt));
    return receipts.filter((each) => each !== undefined);
  },
  minedElsewhere: async (account, hashes) => ({
    mined: await chain.minedNonce(account),
    receipts: (await Promise.all(hashes.map(receipt))).filter((each) => each !== undefined),
  }),
  receipts: (hashes) => Promise.all(hashes.map((hash) => receipt(hash).catch((error: Error) => error))),
});

/** A chain that answers what a test tells it to; a question that it was not told the answer of fails the test. */
export const fakeChain = ({ receipt = async () => undefined, ...answers }: FakeAnswers = {}): ChainPort => {
  const chain: ChainPort = new Proxy({ ...usual, ...answers } as ChainPort, {
    get: (target, name: keyof ChainPort) => {
      if (name in target) return target[name];
      throw new Error(`the test did not expect ${name} to be called`);
    },
  });
  return Object.assign(chain, { ...several(chain, receipt), ...answers });
};

const nothing: PaymentStanding = { taskStatus: undefined, expiresAt: undefined, response: undefined };
const gone = async (payments: readonly PaymentAsk[], at: bigint): Promise<PaymentStandings> => ({
  block: headAt(at),
  standings: payments.map(() => nothing),
});

/** No block has the task any more. @param elsewhere What the other endpoint says of it. */
export const taskGone = (elsewhere: typeof gone = gone): Partial<ChainPort> => ({
  previews: async (asks) =>
    asks.map(() => ({
      block: 100n,
      taskStatus: undefined,
      response: undefined,
      simulation: { ok: false, reason: "there is no such task" },
    })),
  snapshot: async () => {
    throw new RetryableError("the node does not have the task", { code: "NODE_BEHIND" });
  },
  paymentsByTwo: byTwo(gone, elsewhere),
});
