import { setTimeout as sleep } from "node:timers/promises";
import { type Address, encodeFunctionData, type LocalAccount, parseEther, type TransactionReceipt } from "viem";
import { nexusAbi, terminalAbi, vaultAbi } from "../../src/protocol/abi.ts";
import type { ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { ImageEnvironment } from "../../src/protocol/statuses.ts";
import type { Gateway } from "../gateway.ts";
import type { Network } from "../network.ts";
import type { Behaviour } from "./behaviours.ts";
import { readJob } from "./job.ts";
import { createLane } from "./lane.ts";
import { submittedResponse } from "./published.ts";

export type Submission = {
  readonly response: ResponseAddress;
  readonly data: string;
  /** Wei; the provider's price. */
  readonly payment: bigint;
};

/** Offers work: with a behaviour, or step by step. */
export type Provider = {
  readonly address: Address;
  readonly behaviour: Behaviour;
  /** Provider and master announce each other. @param deposit wei, from the master into the provider's balance in the Vault. */
  announce(deposit?: bigint): Promise<TransactionReceipt>;
  /** @param amount wei, from the provider's balance in the Vault. */
  lock(amount: bigint): Promise<TransactionReceipt>;
  register(source: SourceAddress): Promise<TransactionReceipt>;
  /** All that comes before the first task: announce, lock and register. @param lockup wei. @default 2 OGPU */
  enrol(source: SourceAddress, lockup?: bigint): Promise<void>;
  /** @param suggestedPayment wei. */
  attempt(task: TaskAddress, suggestedPayment: bigint): Promise<TransactionReceipt>;
  /** @param payment wei. */
  submit(task: TaskAddress, data: string, payment: bigint): Promise<Submission>;
  /** Attempts the task, works on it as its behaviour says, and submits. */
  respondTo(task: TaskAddress): Promise<Submission>;
  /** Gives up whatever it is working on: pending `respondTo` calls reject with an AbortError. */
  stop(): void;
};

export type ProviderOptions = {
  readonly network: Network;
  readonly gateway: Gateway;
  readonly account: LocalAccount;
  readonly behaviour: Behaviour;
  /** Announces the provider and pays its lockup. @default the provider is its own master */
  readonly master?: LocalAccount;
};

/**
 * An actor that sells work. Every method waits until its transactions are mined.
 *
 * @throws RevertError from every method, if the contracts refuse.
 * @example
 * const provider = createProvider({ network, gateway, account, behaviour: honest({ priceBps: 6_000 }) });
 * await provider.enrol(source);
 * const { response } = await provider.respondTo(task);
 */
export function createProvider({ network, gateway, account, behaviour, master }: ProviderOptions): Provider {
  const { nexus, terminal, vault } = network.deployment;
  const address = account.address;
  const lane = createLane(network, account);
  const masterLane = master ? createLane(network, master) : lane;
  const stopping = new AbortController();
  const context = { network, gateway, provider: address, signal: stopping.signal };

  const provider: Provider = {
    address,
    behaviour,
    async announce(value = 0n) {
      const named = encodeFunctionData({
        abi: terminalAbi,
        functionName: "announceMaster",
        args: [masterLane.address],
      });
      await lane.send({ to: terminal, data: named });
      const args = [address, value] as const;
      const data = encodeFunctionData({ abi: terminalAbi, functionName: "announceProvider", args });
      return masterLane.send({ to: terminal, value, data });
    },
    lock: (amount) =>
      lane.send({ to: vault, data: encodeFunctionData({ abi: vaultAbi, functionName: "lock", args: [amount] }) }),
    register(source) {
      const args = [source, address, ImageEnvironment.CPU] as const;
      return lane.send({ to: nexus, data: encodeFunctionData({ abi: nexusAbi, functionName: "register", args }) });
    },
    async enrol(source, lockup = parseEther("2")) {
      await provider.announce(lockup);
      await provider.lock(lockup);
      await provider.register(source);
    },
    attempt(task, suggestedPayment) {
      const args = [task, address, suggestedPayment] as const;
      return lane.send({ to: nexus, data: encodeFunctionData({ abi: nexusAbi, functionName: "attempt", args }) });
    },
    async submit(task, data, payment) {
      const args = [{ task, provider: address, data, payment }] as const;
      const call = encodeFunctionData({ abi: nexusAbi, functionName: "submitResponse", args });
      return { response: submittedResponse(await lane.send({ to: nexus, data: call })), data, payment };
    },
    async respondTo(task) {
      const job = await readJob(context, task);
      const price = (job.payment * BigInt(behaviour.priceBps)) / 10_000n;
      await provider.attempt(task, price);
      if (behaviour.delayMs > 0) await sleep(behaviour.delayMs, undefined, { signal: stopping.signal });
      return provider.submit(task, await behaviour.answer(job), price);
    },
    stop: () => stopping.abort(),
  };
  return provider;
}
