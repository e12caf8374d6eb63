import type { Observable } from "rxjs";
import type { ChainPort } from "../chain/chainPort.ts";
import type { HttpRpc } from "../chain/jsonRpc.ts";
import type { SocketMessage } from "../chain/rpcSocket.ts";
import type { Clock } from "../clock.ts";
import type { PayloadPort } from "../payload/payloadPort.ts";
import type { Deployment } from "../protocol/chains.ts";
import type { Signer } from "../signer/signerPort.ts";
import type { Lane } from "./lane/createLane.ts";
import type { Address } from "./types.ts";

/** What the library's functions work with. A client is one; nothing of it is global. */
export type ClientContext = {
  readonly chainId: number;
  /** The network's contracts. */
  readonly contracts: Deployment;
  readonly rpc: HttpRpc;
  /** A second opinion: another endpoint than the one that answers, where there is one. */
  readonly elsewhere: HttpRpc;
  readonly chain: ChainPort;
  /** Heads and logs as a node pushes them. */
  readonly socket$: Observable<SocketMessage>;
  readonly signer: Signer | undefined;
  /** The client that the signer is an agent of; sources are published for it. */
  readonly onBehalfOf: Address | undefined;
  readonly payload: PayloadPort;
  readonly uploadUrl: string;
  /** The nonces of one signer, kept in order. */
  readonly laneOf: (signer: Signer) => Lane;
  readonly lanes: () => readonly Lane[];
  /** The most to offer, wei per gas. */
  readonly maxFeePerGas: bigint;
  readonly clock: Clock;
  /** Milliseconds between two looks at the chain. */
  readonly pollIntervalMs: number;
};
