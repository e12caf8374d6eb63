import { type Address, encodeFunctionData, type LocalAccount, parseEther, type TransactionReceipt } from "viem";
import { calls } from "../../src/client/calls.ts";
import { vaultAbi } from "../../src/protocol/abi.ts";
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
 * An actor that buys work. Unlike the library it checks nothing before it sends: what the contracts say to nonsense is
 * what tests want to see. Every method waits until its transaction is mined.
 *
 * @throws RevertError from every method, if the contracts refuse.
 * @example
 * const client = createClient(network, accounts.client);
 * await client.deposit(parseEther("100"));
 * const source = await client.publishSource();
 * const task = await client.publishTask({ source, config: '{"function_name":"sentiment","data":{"text":"good"}}' });
 */
export function createClient(network: Network, account: LocalAccount, options: ClientOptions = {}): Client {
  const { deployment } = network;
  const client = options.onBehalfOf ?? account.address;
  const { send } = createLane(network, account);
  const deposit = encodeFunctionData({ abi: vaultAbi, functionName: "deposit", args: [client] });
  return {
    address: account.address,
    deposit: (value) => send({ to: deployment.vault, value, data: deposit }),
    setAgent: (agent, value = true) => send(calls.setAgent(deployment, agent, value)),
    publishSource: async (terms = {}) =>
      publishedSource(await send(calls.publishSource(deployment, sourceParams(client, terms)))),
    inactivateSource: (source) => send(calls.inactivateSource(deployment, source)),
    async publishTask({ source, config, payment = parseEther("1"), lifetime = 3_600 }) {
      const { timestamp } = await network.publicClient.getBlock();
      const expiryTime = timestamp + BigInt(lifetime);
      return publishedTask(await send(calls.publishTask(deployment, { source, config, expiryTime, payment })));
    },
    cancelTask: (task) => send(calls.cancelTask(deployment, task)),
    confirmResponse: (response) => send(calls.confirmResponse(deployment, response)),
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
