import { type Address, encodeFunctionData, type LocalAccount, parseEther, type TransactionReceipt } from "viem";
import { controllerAbi, nexusAbi, terminalAbi, vaultAbi } from "../../src/protocol/abi.ts";
import type { ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { DeliveryMethod, ImageEnvironment } from "../../src/protocol/statuses.ts";
import type { Network } from "../network.ts";
import { createLane } from "./lane.ts";
import { publishedSource, publishedTask } from "./published.ts";

export type SourceTerms = {
  /** @default MANUAL_CONFIRMATION */
  readonly deliveryMethod?: DeliveryMethod;
  /** Wei. @default 0 */
  readonly minPayment?: bigint;
  /** Wei. @default 0 */
  readonly minAvailableLockup?: bigint;
  /** Seconds. @default one day */
  readonly maxExpiryDuration?: number;
  readonly imageMetadataUrl?: string;
};

export type TaskOrder = {
  readonly source: SourceAddress;
  /** URL of (or inline) JSON `{function_name, data}`. */
  readonly config: string;
  /** Wei; the most that the task may cost. @default 1 OGPU */
  readonly payment?: bigint;
  /** Seconds from the latest block to the expiry. @default 3600 */
  readonly lifetime?: number;
};

/** Publishes, pays and confirms: as the client itself, or as an agent on the client's behalf. */
export type Client = {
  readonly address: Address;
  /** @param amount wei, from this account into the client's balance in the Vault. */
  deposit(amount: bigint): Promise<TransactionReceipt>;
  /** Lets an agent act for this account, or no longer. @param value @default true */
  setAgent(agent: Address, value?: boolean): Promise<TransactionReceipt>;
  publishSource(terms?: SourceTerms): Promise<SourceAddress>;
  inactivateSource(source: SourceAddress): Promise<TransactionReceipt>;
  publishTask(order: TaskOrder): Promise<TaskAddress>;
  cancelTask(task: TaskAddress): Promise<TransactionReceipt>;
  confirmResponse(response: ResponseAddress): Promise<TransactionReceipt>;
};

export type ClientOptions = {
  /** The client that this account is an agent of. @default the account itself */
  readonly onBehalfOf?: Address;
};

/**
 * An actor that buys work. Every method waits until its transaction is mined.
 *
 * @throws RevertError from every method, if the contracts refuse.
 * @example
 * const client = createClient(network, accounts.client);
 * await client.deposit(parseEther("100"));
 * const source = await client.publishSource();
 * const task = await client.publishTask({ source, config: '{"function_name":"sentiment","data":{"text":"good"}}' });
 */
export function createClient(network: Network, account: LocalAccount, options: ClientOptions = {}): Client {
  const { nexus, controller, terminal, vault } = network.deployment;
  const client = options.onBehalfOf ?? account.address;
  const { send } = createLane(network, account);
  return {
    address: account.address,
    deposit: (value) =>
      send({ to: vault, value, data: encodeFunctionData({ abi: vaultAbi, functionName: "deposit", args: [client] }) }),
    setAgent: (agent, value = true) =>
      send({
        to: terminal,
        data: encodeFunctionData({ abi: terminalAbi, functionName: "setAgent", args: [agent, value] }),
      }),
    async publishSource(terms = {}) {
      const args = [sourceParams(client, terms)] as const;
      const data = encodeFunctionData({ abi: nexusAbi, functionName: "publishSource", args });
      return publishedSource(await send({ to: nexus, data }));
    },
    inactivateSource: (source) =>
      send({
        to: nexus,
        data: encodeFunctionData({ abi: nexusAbi, functionName: "inactivateSource", args: [source] }),
      }),
    async publishTask({ source, config, payment = parseEther("1"), lifetime = 3_600 }) {
      const { timestamp } = await network.publicClient.getBlock();
      const args = [{ source, config, expiryTime: timestamp + BigInt(lifetime), payment }] as const;
      const data = encodeFunctionData({ abi: controllerAbi, functionName: "publishTask", args });
      return publishedTask(await send({ to: controller, data }));
    },
    cancelTask: (task) =>
      send({
        to: controller,
        data: encodeFunctionData({ abi: controllerAbi, functionName: "cancelTask", args: [task] }),
      }),
    confirmResponse: (response) =>
      send({
        to: controller,
        data: encodeFunctionData({ abi: controllerAbi, functionName: "confirmResponse", args: [response] }),
      }),
  };
}

const sourceParams = (client: Address, terms: SourceTerms) => ({
  client,
  imageMetadataUrl: terms.imageMetadataUrl ?? "",
  imageEnvironments: ImageEnvironment.CPU,
  minPayment: terms.minPayment ?? 0n,
  minAvailableLockup: terms.minAvailableLockup ?? 0n,
  maxExpiryDuration: BigInt(terms.maxExpiryDuration ?? 86_400),
  privacyEnabled: false,
  optionalParamsUrl: "",
  deliveryMethod: terms.deliveryMethod ?? DeliveryMethod.MANUAL_CONFIRMATION,
  lastUpdateTime: 0n,
});
