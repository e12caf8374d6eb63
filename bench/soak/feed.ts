import { encodeFunctionData, type Hex, parseEther, toHex } from "viem";
import type { Devnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { nexusAbi } from "../../src/protocol/abi.ts";
import type { SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { decodeEvent, type RpcLog } from "../../src/protocol/events.ts";

export type FeedOptions = {
  readonly source: SourceAddress;
  readonly providers: readonly Hex[];
  /** Responses a second; each task gets one from every provider. */
  readonly rate: number;
  readonly publish: (count: number) => readonly { readonly to: Hex; readonly data: Hex }[];
};

export type Feed = {
  readonly submitted: () => number;
  /** Rejects when the load cannot go on. */
  readonly ended: Promise<void>;
  readonly stop: () => Promise<void>;
};

type Sent = { readonly from: Hex; readonly to: Hex; readonly data: Hex };

const price = parseEther("0.0008");
/** Calls in one request: anvil takes bodies of two megabytes, and says no more than that to a longer one. */
const atOnce = 400;
const gas = toHex(3_000_000);
/** Seconds of the load that may wait at the node for a transaction before them. */
const mostQueued = 60;

/**
 * Plays clients and providers without their signatures (the test node signs for anybody), so that the node and the daemon
 * get the processors: tasks are published all the time, those of the block before are attempted, and those of two blocks
 * before are answered, with a document of each response's own on the gateway.
 */
export async function startFeed(devnet: Devnet, { source, providers, rate, publish }: FeedOptions): Promise<Feed> {
  const { network, gateway, deployment, accounts, publicClient } = devnet;
  await testNode(network, "anvil_autoImpersonateAccount", [true]);
  let submitted = 0;
  let published = 0;
  let stopped = false;
  let seen = await publicClient.getBlockNumber();
  const nonces = new Map<Hex, number>();
  for (const address of [accounts.client.address, ...providers])
    nonces.set(address, await publicClient.getTransactionCount({ address }));
  /** A node that gives nonces itself gives some twice within a batch. */
  const nextNonce = (address: Hex): Hex => {
    const nonce = nonces.get(address) ?? 0;
    nonces.set(address, nonce + 1);
    return toHex(nonce);
  };
  const due = new Map<bigint, TaskAddress[]>();

  const sendAll = async (calls: readonly Sent[]) => {
    for (let at = 0; at < calls.length; at += atOnce) await sendSome(calls.slice(at, at + atOnce));
  };
  const sendSome = async (calls: readonly Sent[]) => {
    const body = calls.map(({ from, to, data }, id) => ({
      jsonrpc: "2.0",
      id,
      method: "eth_sendTransaction",
      params: [{ from, to, data, gas, nonce: nextNonce(from) }],
    }));
    const answers = (await (
      await fetch(devnet.rpc.http, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      })
    ).json()) as { error?: { message: string } }[] | { error?: { message: string } };
    const refused = [answers].flat().find(({ error }) => error !== undefined);
    if (refused) throw new Error(`the node refuses the load: ${refused.error?.message}`);
  };
  const call = (functionName: "attempt" | "submitResponse", args: readonly unknown[]) =>
    encodeFunctionData({ abi: nexusAbi, functionName, args } as never);

  const onBlock = async (block: bigint) => {
    const logs = (await testNode(network, "eth_getLogs", [
      { address: deployment.nexus, fromBlock: toHex(block), toBlock: toHex(block) },
    ])) as RpcLog[];
    const fresh = logs.flatMap((log) => {
      const event = decodeEvent(log);
      return event?.type === "TaskPublished" && event.source === source ? [event.task] : [];
    });
    due.set(block + 2n, fresh);
    const answered = due.get(block) ?? [];
    due.delete(block);
    const attempts = fresh.flatMap((task) =>
      providers.map((from) => ({ from, to: deployment.nexus, data: call("attempt", [task, from, price]) })),
    );
    const answers = await Promise.all(
      answered.flatMap((task) =>
        providers.map(async (from, index) => {
          // One alone is right, so that those before it have to be fetched and judged.
          const label = index === providers.length - 1 ? "positive" : "splendid";
          const data = await gateway.putJson({ label, confidence: 0.97, task, from });
          const response = { task, provider: from, data, payment: price };
          return { from, to: deployment.nexus, data: call("submitResponse", [response]) };
        }),
      ),
    );
    await sendAll([...attempts, ...answers]);
    submitted += answers.length;
  };

  /** A node that loses one of the load never mines what comes after it: the daemon would be blamed for what it was not given. */
  const requireMined = async () => {
    const { queued } = (await testNode(network, "txpool_status")) as { queued: Hex };
    if (Number(queued) <= mostQueued * rate) return;
    throw new Error(
      `the node has lost a transaction of the load: ${Number(queued)} others wait for it; run the soak anew`,
    );
  };

  const startedAt = Date.now();
  const work = async () => {
    while (!stopped) {
      const owed = Math.floor(((Date.now() - startedAt) / 1_000) * (rate / providers.length)) - published;
      // What the node could not take in ten seconds is not made up for: the rate is the most, not the mean.
      const count = Math.min(owed, Math.ceil((10 * rate) / providers.length));
      published += owed;
      await sendAll(publish(count).map((each) => ({ from: accounts.client.address, ...each })));
      const head = await publicClient.getBlockNumber();
      for (; seen < head && !stopped; seen++) await onBlock(seen + 1n);
      await requireMined();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const ended = work();
  ended.catch(() => undefined);
  return {
    submitted: () => submitted,
    ended,
    stop: async () => {
      stopped = true;
      await ended;
    },
  };
}
