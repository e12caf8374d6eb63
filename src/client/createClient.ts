import { createEndpoints } from "../chain/endpoints/createEndpoints.ts";
import { type Clock, steadyClock } from "../clock.ts";
import type { PayloadOptions } from "../payload/createPayload.ts";
import type { PayloadPort } from "../payload/payloadPort.ts";
import { chains, type Deployment } from "../protocol/chains.ts";
import type { Reporter } from "../report.ts";
import type { Signer } from "../signer/signerPort.ts";
import type { Actions } from "./actions.ts";
import { requireContracts } from "./chainId.ts";
import type { ClientContext } from "./context.ts";
import { type ClientChain, createClientOn } from "./createClientOn.ts";
import { readAddress } from "./inputs.ts";
import { listOf, requireClientOptions } from "./options.ts";

export type ClientOptions = {
  /** A value of `ChainId`; or a chain of your own, with the addresses of the network's contracts on it. */
  readonly chain: number | { readonly id: number; readonly contracts: Deployment };
  /**
   * JSON-RPC endpoints, over HTTP or a WebSocket; the healthiest is asked, and a transaction goes to all healthy ones.
   * @default the network's public one
   */
  readonly rpc?: string | readonly string[];
  /** WebSocket endpoints, which make the watchers quick. @default none: heads are polled */
  readonly ws?: string | readonly string[];
  /** A private key, or a signer of your own. @default none: the client reads, and each write needs its own */
  readonly signer?: Signer | `0x${string}`;
  /** The client whose agent the signer is; sources are published for it. @default the signer itself */
  readonly onBehalfOf?: string;
  /** How strangers' documents are read. @default the network's gateway, and no private host */
  readonly payload?: PayloadPort | Partial<PayloadOptions>;
  /** Where `publishToIpfs` uploads. @default https://capi.ogpuscan.io/file/create */
  readonly uploadUrl?: string;
  /** The most to offer, wei per gas. @default 500 gwei */
  readonly maxFeePerGas?: bigint;
  /** Blocks on top of one that can no longer be taken back, or the node's own word. @default 3 */
  readonly finality?: number | "safe" | "finalized";
  /** Milliseconds between two looks at the chain. @default 1_000 */
  readonly pollIntervalMs?: number;
  /** Milliseconds that one request may take. @default 10_000 */
  readonly requestTimeoutMs?: number;
  /** Milliseconds without a receipt after which a transaction is sent again, dearer where that may help. @default 30_000 */
  readonly rebroadcastAfterMs?: number;
  /** Hears of endpoints that fail and sockets that come back. @default nobody */
  readonly report?: Reporter;
  /** @default one that goes on evenly, whatever the machine's is set to */
  readonly clock?: Clock;
  /** For the jitter of retries, between 0 and 1. @default Math.random */
  readonly random?: () => number;
};

/** A chain, a key and everything that can be done with them. Also what the library's single functions take first. */
export type Client = ClientContext & Actions;

/**
 * Creates a client. It holds no global state: two clients know nothing of each other. It opens nothing until it is asked.
 *
 * @throws ConfigError `CHAIN_UNKNOWN` if the network has no contracts on the chain; InputError `KEY_INVALID`,
 *   `ADDRESS_INVALID`, `OPTION_INVALID`.
 * @example
 * const client = createClient({ chain: ChainId.OGPU_TESTNET, signer: process.env.CLIENT_PRIVATE_KEY as `0x${string}` });
 * const { task } = await client.publishTask({ source, config: { function_name, data }, expiryTime, payment: "0.01 OGPU" });
 */
export function createClient(options: ClientOptions): Client {
  requireClientOptions(options);
  const { clock = steadyClock, random = Math.random, report = () => undefined } = options;
  const { chain: given } = options;
  const chain = typeof given === "object" && given !== null ? ownChain(given) : ofNetwork(given);
  const rpc = createEndpoints({
    urls: listOf(options.rpc ?? publicRpc(chain.id)),
    chainId: chain.id,
    timeoutMs: options.requestTimeoutMs ?? 10_000,
    ...{ rateLimit: 0, batchSize: 100, cooldownMs: 30_000, clock, random, report },
  });
  return createClientOn({ rpc }, { ...options, chain });
}

const ofNetwork = (id: number) => ({ id, contracts: requireContracts(id) });

function ownChain({ id, contracts }: ClientChain): ClientChain {
  if (contracts === undefined) return ofNetwork(id);
  for (const name of ["nexus", "controller", "terminal", "vault"] as const)
    readAddress(`the contract ${name}`, contracts[name]);
  return { id, contracts };
}

const publicRpc = (id: number): readonly string[] => {
  const urls = chains.find((chain) => chain.id === id)?.rpcUrls.default.http;
  if (urls) return urls;
  throw new TypeError(`chain ${id} has no public endpoint: give rpc`);
};
