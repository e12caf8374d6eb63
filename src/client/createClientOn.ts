import { EMPTY } from "rxjs";
import type { ChainPort } from "../chain/chainPort.ts";
import { createChain } from "../chain/createChain.ts";
import type { Endpoints } from "../chain/endpoints/createEndpoints.ts";
import { nexusLogs } from "../chain/eventReads.ts";
import type { TipBounds } from "../chain/fees.ts";
import { rpcSocket$ } from "../chain/rpcSocket.ts";
import { steadyClock } from "../clock.ts";
import { createPayload } from "../payload/createPayload.ts";
import type { PayloadPort } from "../payload/payloadPort.ts";
import { parseAmount } from "../protocol/amounts.ts";
import type { Signer } from "../signer/signerPort.ts";
import { bindActions } from "./actions.ts";
import type { ClientContext } from "./context.ts";
import type { Client, ClientOptions } from "./createClient.ts";
import { readAddress } from "./inputs.ts";
import { createLane, type Lane } from "./lane/createLane.ts";
import { listOf } from "./options.ts";
import { toSigner } from "./signerOf.ts";

const defaultUploadUrl = "https://capi.ogpuscan.io/file/create";
const defaultGateway = "https://cipfs.ogpuscan.io";

/** What whoever has the daemon's whole configuration brings along. */
export type ClientParts = {
  readonly rpc: Endpoints;
  /** @default no bounds but what the client may offer at all */
  readonly tip?: TipBounds;
  /** Asked each time before anything is sent. @throws what keeps it from that. @default nothing does */
  readonly requireMaySend?: () => Promise<void>;
};

/** A chain, and where the network's contracts are on it. */
export type ClientChain = Exclude<ClientOptions["chain"], number>;

/** `createClient` on endpoints that are open already. @throws as that does. */
export function createClientOn(
  { rpc, tip = {}, requireMaySend = async () => undefined }: ClientParts,
  options: Omit<ClientOptions, "rpc" | "requestTimeoutMs"> & { readonly chain: ClientChain },
): Client {
  const { clock = steadyClock, random = Math.random, report = () => undefined } = options;
  const { pollIntervalMs = 1_000, maxFeePerGas = parseAmount("500 gwei") } = options;
  const { id, contracts } = options.chain;
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
    ...{ rpc, socket$, clock, report, finality, tip, pollIntervalMs },
    elsewhere: rpc.elsewhere,
    deployment: contracts,
  });
  const broadcast: ChainPort["broadcast"] = async (raw) => {
    await requireMaySend();
    return chain.broadcast(raw);
  };
  const lanes = new Map<string, Lane>();
  /** The one that an account was last given with: an older one may have been a session that is over. */
  const signers = new Map<string, Signer>();
  const context: ClientContext = {
    ...{ chainId: id, contracts, rpc, elsewhere: rpc.elsewhere, socket$, clock, pollIntervalMs, maxFeePerGas },
    chain: { ...chain, broadcast },
    signer: options.signer && toSigner(options.signer),
    onBehalfOf: options.onBehalfOf === undefined ? undefined : readAddress("onBehalfOf", options.onBehalfOf),
    payload: payloadOf(options.payload),
    uploadUrl: options.uploadUrl ?? defaultUploadUrl,
    laneOf: (signer) => {
      const { address } = signer;
      signers.set(address, signer);
      const { rebroadcastAfterMs = 30_000 } = options;
      const newest: Signer = { address, sign: (transaction) => (signers.get(address) ?? signer).sign(transaction) };
      const lane = lanes.get(address) ?? createLane({ ...context, chainId: id, signer: newest, rebroadcastAfterMs });
      lanes.set(address, lane);
      return lane;
    },
    lanes: () => [...lanes.values()],
  };
  return { ...context, ...bindActions(context) };
}

function payloadOf(given: ClientOptions["payload"]): PayloadPort {
  if (given && "fetch" in given) return given;
  return createPayload({ gateways: [defaultGateway], allowHosts: [], ...given });
}
