import type { AccountAddress, Hash, Hex } from "../../src/protocol/brand.ts";
import { DeliveryMethod } from "../../src/protocol/statuses.ts";
import { privateKeySigner } from "../../src/signer/privateKeySigner.ts";
import type { Signer } from "../../src/signer/signerPort.ts";
import type { Mempool } from "./mempool.ts";
import type { Action } from "./modelContracts.ts";
import type { ModelDocuments } from "./modelDocuments.ts";
import type { Prng } from "./prng.ts";
import type { Truth } from "./truth.ts";
import type { VirtualTime } from "./virtualTime.ts";
import { modelAddress, modelHash } from "./words.ts";

const gwei = 1_000_000_000n;
const ogpu = gwei * gwei;

/** Who signed what in this thread: telling it from the bytes would take the time of a run. */
const senders = new Map<Hash, AccountAddress>();

/** @throws TypeError if no key of a run has signed it. */
export function senderOf(hash: Hash): AccountAddress {
  const sender = senders.get(hash);
  if (sender === undefined) throw new TypeError(`no key of a run has signed ${hash}`);
  return sender;
}

const keyOf = (word: string): Signer => {
  const signer = privateKeySigner(`0x${word.repeat(16)}`);
  return {
    ...signer,
    sign: async (transaction) => {
      const signed = await signer.sign(transaction);
      senders.set(signed.hash, signer.address);
      return signed;
    },
  };
};

/** The keys of every run; they are nobody's. Some runs have the first one alone, or the first two. */
export const signers = [keyOf("5eed"), keyOf("c0de"), keyOf("f00d")] as const;

/** The accounts of every run. */
export const accounts = {
  /** Agents of every client, of some of them later on. */
  signers: signers.map(({ address }) => address),
  /** Watched by the address of its source, by its own address, and because the signer is its agent. */
  clients: [modelAddress(0xc0, 0), modelAddress(0xc0, 1), modelAddress(0xc0, 2)],
  foreignClient: modelAddress(0xc0, 9),
  providers: [0, 1, 2, 3, 4, 5].map((index) => modelAddress(0xe0, index)),
} as const;

const { MANUAL_CONFIRMATION, FIRST_RESPONSE } = DeliveryMethod;

/** The sources of every run, and how the daemon comes to watch each. */
export const sources = [
  { source: modelAddress(0x50, 0), client: accounts.clients[0] as Hex, deliveryMethod: MANUAL_CONFIRMATION },
  { source: modelAddress(0x50, 1), client: accounts.clients[1] as Hex, deliveryMethod: MANUAL_CONFIRMATION },
  { source: modelAddress(0x50, 2), client: accounts.clients[2] as Hex, deliveryMethod: MANUAL_CONFIRMATION },
  { source: modelAddress(0x50, 3), client: accounts.clients[1] as Hex, deliveryMethod: FIRST_RESPONSE },
  { source: modelAddress(0x50, 4), client: accounts.foreignClient, deliveryMethod: MANUAL_CONFIRMATION },
] as const;

/** Sources and agents, as they stand before anything else happens. @param late Clients that have no agent yet. */
export const settingWithout = (late: readonly Hex[]): readonly Action[] => [
  ...sources.map((source): Action => ({ type: "publishSource", ...source })),
  ...accounts.clients
    .filter((client) => !late.includes(client))
    .flatMap((client) => accounts.signers.map((agent): Action => ({ type: "setAgent", client, agent, value: true }))),
];

export type ActorsDeps = {
  readonly prng: Prng;
  readonly time: VirtualTime;
  readonly pool: Mempool;
  readonly documents: ModelDocuments;
  readonly truth: Truth;
};

/** What most tasks pay, and a little more, wei. */
export const ordinaryPayment = gwei * 1_000_000n;

/** The ceiling that the daemon is configured with, wei. */
export const maxPayment = ogpu;

/**
 * Draws who publishes, answers, copies, cancels and confirms, and when; their transactions come to the pool in time.
 * @param lengthMs The time in which they act.
 */
export function startActors({ prng, time, pool, documents, truth }: ActorsDeps, lengthMs: number): void {
  let transactions = 0;
  const send = (action: Action) => {
    pool.put({ hash: modelHash(0x7a, transactions++), action, key: undefined });
  };
  const document = (text: string): string => {
    const address = `model:${documents.size}`;
    documents.set(address, { text, failures: prng.chance(0.15) ? prng.between(1, 3) : 0 });
    return address;
  };
  const configs = new Map(
    ["render", "paint", "unheard"].map((name) => [name, document(JSON.stringify({ function_name: name, data: {} }))]),
  );
  const answers: string[] = [];
  const startTime = Math.floor(time.now() / 1000);

  const publish = (index: number) => {
    const task = modelAddress(0x7a, index);
    const { source, client, deliveryMethod } = prng.pick([...sources, ...sources.slice(0, 3)]);
    const isWatched = client !== accounts.foreignClient;
    const functionName = prng.pick(["render", "render", "render", "render", "paint", "unheard"]);
    const isDear = prng.chance(0.06);
    const payment = (isDear ? 3n * ogpu : ordinaryPayment) + BigInt(prng.between(0, 999)) * 100n;
    const publishAt = prng.between(0, Math.floor(lengthMs * 0.7));
    const lifeSeconds = prng.chance(0.25) ? prng.between(10, 90) : 1_000_000;
    const expiryTime = startTime + Math.floor(publishAt / 1000) + lifeSeconds;
    truth.tasks.set(task, {
      source,
      isWatched,
      byAgentOf: client === accounts.clients[2] ? client : undefined,
      isOurs: isWatched && deliveryMethod === MANUAL_CONFIRMATION && functionName === "render",
    });
    const config = configs.get(functionName) as string;
    time.after(publishAt, () => send({ type: "publishTask", task, source, config, expiryTime, payment }));
    if (prng.chance(0.06)) time.after(publishAt + prng.between(1, 20_000), () => send({ type: "cancel", task }));

    const responders = accounts.providers.slice(0, prng.pick([0, 1, 1, 2, 2, 3, 4]));
    for (const [place, provider] of responders.entries()) {
      const response = modelAddress(0x4e, index * 16 + place);
      const attemptAt = publishAt + prng.between(500, 20_000);
      const submitAt = attemptAt + prng.between(500, 40_000);
      const percent = prng.chance(0.8) ? prng.between(50, 90) : prng.between(91, 100);
      const price = (payment / 100n) * BigInt(percent);
      const isGood = prng.chance(0.6);
      const label = isGood ? "good" : "bad";
      const text = prng.chance(0.1) ? `{"label": "${label}"` : JSON.stringify({ label, n: prng.between(0, 99) });
      const data = answers.length > 0 && prng.chance(0.1) ? prng.pick(answers) : document(text);
      answers.push(data);
      const isValid = documents.get(data)?.text.includes('"good"') && documents.get(data)?.text.endsWith("}");
      truth.responses.set(response, {
        task,
        provider,
        price,
        isApproved: isValid === true && price * 100n <= payment * 90n && price <= maxPayment,
      });
      time.after(attemptAt, () => send({ type: "attempt", task, provider }));
      time.after(submitAt, () => send({ type: "submit", response, task, provider, data, payment: price }));
      if (prng.chance(0.05)) {
        time.after(submitAt + prng.between(500, 20_000), () => send({ type: "confirm", response, sender: client }));
      }
    }
  };
  const count = prng.between(10, 25);
  for (let index = 0; index < count; index++) publish(index);
}
