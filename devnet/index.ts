import { type Address, type LocalAccount, type PublicClient, parseEther } from "viem";
import { type Deployment, deploymentOn, mainnet } from "../src/protocol/chains.ts";
import { type DevnetAccount, type DevnetAccounts, devnetAccount, devnetAccounts } from "./accounts.ts";
import type { Behaviour } from "./actors/behaviours.ts";
import { type Client, type ClientOptions, createClient } from "./actors/client.ts";
import { createProvider, type Provider } from "./actors/provider.ts";
import { type DevnetLogger, startAnvil } from "./anvil.ts";
import { compileContracts } from "./compile.ts";
import { deployContracts } from "./deploy.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { type Network, openNetwork, setBalance, testNode } from "./network.ts";

export type DevnetOptions = {
  /** Seconds between blocks, fractions allowed; without it every transaction is mined at once. */
  readonly blockTime?: number;
  /** 1071 or 200820172034: decides the contracts' addresses too. @default 1071 */
  readonly chainId?: number;
  /** Anvil's port. @default one that is free */
  readonly port?: number;
  /** How many provider accounts are funded from the start. @default 8 */
  readonly providers?: number;
  /** Further arguments for anvil. */
  readonly anvilArgs?: readonly string[];
  /** Gets anvil's output at debug level; without it the devnet is silent. */
  readonly logger?: DevnetLogger;
};

/** A whole OpenGPU network on this machine. */
export type Devnet = {
  /** The node's URLs, for the daemon. */
  readonly rpc: { readonly http: string; readonly ws: string };
  /** The node's process. */
  readonly nodePid: number;
  readonly chainId: number;
  /** The contracts, at the addresses that they have on the real chain. */
  readonly deployment: Deployment;
  readonly manager: Address;
  /** What `createClient` and `createProvider` of `actors/` take, for actors of your own. */
  readonly network: Network;
  /** Reads the chain. */
  readonly publicClient: PublicClient;
  readonly gateway: Gateway;
  /** Funded, with keys that are the same in every run; `accounts.agent.privateKey` is for the daemon. */
  readonly accounts: DevnetAccounts;
  /** Acts for `accounts.client`, which has 10000 OGPU in the Vault and has authorised `accounts.agent`. */
  readonly client: Client;
  /** Acts for `accounts.agent` on the client's behalf. */
  readonly agent: Client;
  createClient(account: LocalAccount, options?: ClientOptions): Client;
  /** A provider with the next unused account, or the given one; call `enrol(source)` on it before the first task. */
  createProvider(behaviour: Behaviour, options?: { account?: LocalAccount; master?: LocalAccount }): Provider;
  /** A funded account; the same label always gives the same key. */
  account(label: string): Promise<DevnetAccount>;
  /** Mines blocks at once. @param blocks @default 1 */
  mine(blocks?: number): Promise<void>;
  /** Moves the chain's clock forward and mines a block. @param seconds of the chain. */
  travel(seconds: number): Promise<void>;
  /** Ends the providers' work, anvil and the gateway; may be called twice. */
  stop(): Promise<void>;
};

const purse = parseEther("1000000");

/**
 * Brings up anvil, the contracts, the gateway and the accounts in one call.
 *
 * @throws TypeError if the network has no deployment on the chain id.
 * @example
 * const devnet = await startDevnet();
 * const source = await devnet.client.publishSource();
 * const provider = devnet.createProvider(behaviours.honest());
 * await provider.enrol(source);
 * const config = await devnet.gateway.putJson({ function_name: "sentiment", data: { text: "great" } });
 * const task = await devnet.client.publishTask({ source, config });
 * const { response } = await provider.respondTo(task);
 * await devnet.agent.confirmResponse(response);
 * await devnet.stop();
 */
export async function startDevnet(options: DevnetOptions = {}): Promise<Devnet> {
  const { chainId = mainnet.id, providers = 8, anvilArgs: extraArgs = [] } = options;
  const deployment = deploymentOn(chainId);
  if (!deployment) throw new TypeError(`the network has no deployment on chain ${chainId}`);
  const artifacts = await compileContracts();
  const anvil = await startAnvil({ ...options, chainId, extraArgs });
  const gateway = await startGateway();
  const halt = async () => void (await Promise.all([anvil.stop(), gateway.stop()]));
  try {
    const network = openNetwork({ http: anvil.httpUrl, ws: anvil.wsUrl }, chainId, deployment);
    const accounts = devnetAccounts(providers);
    const manager = await deployContracts(network, artifacts, { owner: accounts.owner.address });
    const { owner, client, agent, stranger } = accounts;
    const funded = [owner, client, agent, stranger, ...accounts.providers];
    await Promise.all(funded.map(({ address }) => setBalance(network, address, purse)));
    return await openForBusiness({ network, nodePid: anvil.pid, accounts, manager, gateway, halt });
  } catch (error) {
    await halt();
    throw error;
  }
}

type Parts = Pick<Devnet, "network" | "nodePid" | "accounts" | "manager" | "gateway"> & { halt(): Promise<void> };

async function openForBusiness({ network, nodePid, accounts, manager, gateway, halt }: Parts): Promise<Devnet> {
  const client = createClient(network, accounts.client);
  const agent = createClient(network, accounts.agent, { onBehalfOf: client.address });
  const ready = Promise.all([client.deposit(parseEther("10000")), client.setAgent(agent.address)]);
  await mineUntil(network, ready);
  const running: Provider[] = [];
  const unused = accounts.providers.values();
  const mine = async (blocks = 1) => void (await testNode(network, "anvil_mine", [blocks]));
  return {
    rpc: network.rpc,
    nodePid,
    chainId: network.chain.id,
    deployment: network.deployment,
    manager,
    network,
    publicClient: network.publicClient,
    gateway,
    accounts,
    client,
    agent,
    createClient: (account, clientOptions) => createClient(network, account, clientOptions),
    createProvider(behaviour, { account, master } = {}) {
      const next = account ?? unused.next().value;
      if (!next) throw new RangeError(`all ${accounts.providers.length} provider accounts are in use`);
      const provider = createProvider({ network, gateway, account: next, behaviour, ...(master && { master }) });
      running.push(provider);
      return provider;
    },
    async account(label) {
      const account = devnetAccount(label);
      await setBalance(network, account.address, purse);
      return account;
    },
    mine,
    async travel(seconds) {
      await testNode(network, "evm_increaseTime", [seconds]);
      await mine();
    },
    async stop() {
      for (const provider of running) provider.stop();
      await halt();
    },
  };
}

/** With a block time, nobody should wait for it during the bring-up. */
async function mineUntil(network: Network, work: Promise<unknown>): Promise<void> {
  let done = false;
  const finished = work.finally(() => {
    done = true;
  });
  const mining = (async () => {
    while (!done) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await testNode(network, "evm_mine");
    }
  })();
  await Promise.all([finished, mining]);
}
