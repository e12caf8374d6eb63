import { Observable } from "rxjs";
import type { ParseMessage } from "../../src/chain/fastLogs.ts";
import type { SocketMessage } from "../../src/chain/rpcSocket.ts";
import { toHead, type WireBlock } from "../../src/chain/wire.ts";
import { agentSetTopic, type RpcLog } from "../../src/protocol/events.ts";
import type { Faults } from "./faults.ts";
import type { Block, ModelChain } from "./modelChain.ts";
import type { ModelNode } from "./modelNode.ts";
import type { Prng } from "./prng.ts";
import type { VirtualTime } from "./virtualTime.ts";

export type ModelSocket = {
  readonly messages$: Observable<SocketMessage>;
  /** A node has another head: it pushes what is new to whoever is connected to it. */
  readonly push: (node: ModelNode, before: Block) => void;
};

export type SocketDeps = {
  /** Those that it may be at now. */
  readonly connectable: () => readonly ModelNode[];
  readonly chain: ModelChain;
  readonly prng: Prng;
  readonly faults: Faults;
  readonly time: VirtualTime;
  readonly isAlive: () => boolean;
  readonly isHidden: (log: RpcLog) => boolean;
  /** The daemon's own reader of messages, which drops what is foreign. */
  readonly parse: ParseMessage;
};

/** A WebSocket that is opened again whenever it broke; it loses, doubles and reorders, and says nothing of it. */
export function createModelSocket(deps: SocketDeps): ModelSocket {
  const { connectable, chain, prng, faults, time, isAlive, isHidden, parse } = deps;
  let emit: ((message: SocketMessage) => void) | undefined;
  let peer: ModelNode | undefined;

  /** Logs arrive as a node's text, and pass the filter. */
  const receive = (message: SocketMessage) => {
    if (message.type !== "log") return emit?.(message);
    const params = { subscription: "0x1", result: message.log };
    const read = parse(JSON.stringify({ jsonrpc: "2.0", method: "eth_subscription", params }));
    if (read !== undefined) emit?.({ type: "log", log: (read as { params: { result: RpcLog } }).params.result });
  };

  const deliver = (message: SocketMessage) => {
    if (emit === undefined || faults.strikes("socket message lost")) return;
    const delay = faults.strikes("socket message late") ? prng.between(200, 8_000) : prng.between(1, 40);
    const times = faults.strikes("socket message twice") ? 2 : 1;
    for (let i = 0; i < times; i++) {
      time.after(delay + i * prng.between(0, 500), () => isAlive() && receive(message));
    }
  };

  /** The daemon subscribes to what Nexus tells. */
  const isPushed = (log: RpcLog) => log.topics[0] !== agentSetTopic && !isHidden(log);

  const connect = () => {
    if (emit === undefined || !isAlive()) return;
    peer = prng.pick(connectable());
    emit({ type: "up" });
  };

  return {
    messages$: new Observable((subscriber) => {
      emit = (message) => subscriber.next(message);
      const cancel = time.after(prng.between(1, 200), connect);
      return () => {
        cancel();
        emit = undefined;
        peer = undefined;
      };
    }),
    push: (node, before) => {
      if (node !== peer) return;
      if (!connectable().includes(node) || faults.strikes("socket down")) {
        peer = undefined;
        time.after(prng.between(500, 60_000), connect);
        return;
      }
      const { removed, added } = difference(chain, before, node.head());
      for (const block of removed) {
        for (const log of block.logs) if (isPushed(log)) deliver({ type: "log", log: { ...log, removed: true } });
      }
      for (const block of added) {
        const told = block === node.head() ? node.told() : block.wire;
        deliver({ type: "head", head: toHead(told as unknown as WireBlock) });
        for (const log of block.logs) if (isPushed(log)) deliver({ type: "log", log });
      }
    },
  };
}

/** The blocks that lie on one branch only, oldest first. */
function difference(
  chain: ModelChain,
  before: Block,
  after: Block,
): { readonly removed: readonly Block[]; readonly added: readonly Block[] } {
  const added: Block[] = [];
  const removed: Block[] = [];
  for (let block: Block | undefined = after; block && chain.at(before, block.number) !== block; block = block.parent)
    added.unshift(block);
  for (let block: Block | undefined = before; block && chain.at(after, block.number) !== block; block = block.parent)
    removed.unshift(block);
  return { removed, added };
}
