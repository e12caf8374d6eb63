import { EMPTY } from "rxjs";
import { createChain } from "../chain/createChain.ts";
import { createEndpoints } from "../chain/endpoints/createEndpoints.ts";
import { nexusLogs } from "../chain/eventReads.ts";
import { rpcSocket$ } from "../chain/rpcSocket.ts";
import { type Clock, systemClock } from "../clock.ts";
import { createPayload, type PayloadOptions } from "../payload/createPayload.ts";
import type { PayloadPort } from "../payload/payloadPort.ts";
import { parseAmount } from "../protocol/amounts.ts";
import { chains, type Deployment } from "../protocol/chains.ts";
import type { Reporter } from "../report.ts";
import type { Signer } from "../signer/signerPort.ts";
import { type Actions, bindActions } from "./actions.ts";
import { requireContracts } from "./chainId.ts";
import type { ClientContext } from "./context.ts";
import { readAddress } from "./inputs.ts";
import { createLane, type Lane } from "./lane/createLane.ts";
import { toSigner } from "./signerOf.ts";

export type ClientOptions = {
  /** A value of `ChainId`; or a chain of your own, with the addresses of the network's contracts on it. */
  readonly chain: number | { readonly id: number; readonly contracts: Deployment };
  /**
   * JSON-RPC endpoints, over HTTP or a WebSocket; the healthiest is asked, and a transaction goes to all.
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
  /** @default the system's */
  readonly clock?: Clock;
  /** For the jitter of retries, between 0 and 1. @default Math.random */
  readonly random?: () => number;
};

/** A chain, a key and everything that can be done with them. Also what the library's single functions take first. */
export type Client = ClientContext & Actions;

export const defaultUploadUrl = "https://capi.ogpuscan.io/file/create";
const defaultGateway = "https://cipfs.ogpuscan.io";

/**
 * Creates a client. It holds no global state: two clients know nothing of each other. It opens nothing until it is asked.
 *
 * @throws ConfigError `CHAIN_UNKNOWN` if the network has no contracts on the chain; InputError `KEY_INVALID`,
 *   `ADDRESS_INVALID`.
 * @example
 * const client = createClient({ chain: ChainId.OGPU_TESTNET, signer: process.env.CLIENT_PRIVATE_KEY as `0x${string}` });
 * const { task } = await client.publishTask({ source, config: { function_name, data }, expiryTime, payment: "0.01 OGPU" });
 */
export function createClient(options: ClientOptions): Client {
  const { clock = systemClock, random = Math.random, report = () => undefined } = options;
  const { requestTimeoutMs = 10_000, pollIntervalMs = 1_000, maxFeePerGas = parseAmount("500 gwei") } = options;
  const id = typeof options.chain === "number" ? options.chain : options.chain.id;
  const contracts = typeof options.chain === "number" ? requireContracts(id) : options.chain.contracts;
  const rpc = createEndpoints({
    urls: listOf(options.rpc ?? publicRpc(id)),
    chainId: id,
    timeoutMs: requestTimeoutMs,
    ...{ rateLimit: 0, batchSize: 100, cooldownMs: 30_000, clock, random, report },
  });
  const wsUrls = listOf(options.ws ?? []);
  const socket$ =
    wsUrls.length === 0
      ? EMPTY
      : rpcSocket$({
          urls: wsUrls,
          logs: nexusLogs(contracts),
          chainId: id,
          headOverHttp$: rpc.head$,
          ...{ heartbeatMs: 15_000, silenceMs: 30_000, maxBackoffMs: 30_000, clock, random },
          onUp: (endpoint) => report({ type: "socket", up: true, endpoint }),
          onDown: (error, inMs) => report({ type: "socket", up: false, error, inMs }),
        });
  const finality = options.finality ?? 3;
  const chain = createChain({
    ...{ rpc, socket$, clock, report, finality, pollIntervalMs },
    elsewhere: rpc.elsewhere,
    deployment: contracts,
  });
  const lanes = new Map<string, Lane>();
  const context: ClientContext = {
    ...{ chainId: id, contracts, rpc, chain, socket$, clock, pollIntervalMs, maxFeePerGas },
    signer: options.signer && toSigner(options.signer),
    onBehalfOf: options.onBehalfOf === undefined ? undefined : readAddress("onBehalfOf", options.onBehalfOf),
    payload: payloadOf(options.payload),
    uploadUrl: options.uploadUrl ?? defaultUploadUrl,
    laneOf: (signer) => {
      const { rebroadcastAfterMs = 30_000 } = options;
      const known = lanes.get(signer.address);
      const lane = known ?? createLane({ ...context, chainId: id, signer, rebroadcastAfterMs });
      lanes.set(signer.address, lane);
      return lane;
    },
    lanes: () => [...lanes.values()],
  };
  return { ...context, ...bindActions(context) };
}

const listOf = (urls: string | readonly string[]): readonly string[] => (typeof urls === "string" ? [urls] : urls);

const publicRpc = (id: number): readonly string[] => {
  const urls = chains.find((chain) => chain.id === id)?.rpcUrls.default.http;
  if (urls) return urls;
  throw new TypeError(`chain ${id} has no public endpoint: give rpc`);
};

function payloadOf(given: ClientOptions["payload"]): PayloadPort {
  if (given && "fetch" in given) return given;
  return createPayload({ gateways: [defaultGateway], allowHosts: [], ...given });
}
