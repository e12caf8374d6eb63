import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { keccak256 } from "viem/utils";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import type { Hex } from "../../src/protocol/brand.ts";
import type { RpcRequest } from "./rpcServer.ts";
import { stuckAt } from "./stuckNode.ts";
import { acceptWebSocket } from "./webSocketServer.ts";

/** What is wrong with an endpoint from now on. */
export type Ailment =
  | { readonly kind: "none" }
  /** Open connections are reset, new ones too. */
  | { readonly kind: "refuses" }
  /** Nothing is answered and nothing pushed. @param passesOn What it is sent goes on to the node all the same. */
  | { readonly kind: "hangs"; readonly passesOn: boolean }
  | { readonly kind: "is late"; readonly ms: number }
  /** A transaction is answered with its hash, and goes nowhere. */
  | { readonly kind: "swallows transactions" }
  /** A transaction goes on to the node, and the connection is cut in place of an answer. */
  | { readonly kind: "loses answers to transactions" }
  /** It shows the chain as it was so many blocks ago. @param isStuck And takes in no more. */
  | { readonly kind: "is behind"; readonly blocks: number; readonly isStuck: boolean }
  | { readonly kind: "has no receipts" };

export type AilingEndpoint = {
  readonly http: string;
  readonly ws: string;
  readonly set: (ailment: Ailment) => Promise<void>;
  /** Resets what is open; new connections are taken. */
  readonly cut: () => void;
  readonly stop: () => Promise<void>;
};

type Message = { readonly id?: number; readonly method?: string; readonly params?: { readonly result?: Pushed } };
type Pushed = { readonly number?: string; readonly blockNumber?: string };
type Answer = { readonly id: number } & Readonly<Record<string, unknown>>;

/** A front of a real node, for HTTP and WebSockets on one port, that is well or ails. */
export async function startAilingEndpoint(node: {
  readonly http: string;
  readonly ws: string;
}): Promise<AilingEndpoint> {
  const rpc = createJsonRpc({ url: node.http, timeoutMs: 60_000 });
  const clients = new Set<Socket>();
  let ailment: Ailment = { kind: "none" };
  let stuck = 0n;

  const newest = async () => BigInt(await rpc.call<string>("eth_blockNumber"));
  /** The newest block that it shows now. */
  const view = async ({ blocks, isStuck }: Extract<Ailment, { kind: "is behind" }>): Promise<bigint> => {
    const head = await newest();
    if (isStuck) return stuck < head ? stuck : head;
    return head > BigInt(blocks) ? head - BigInt(blocks) : 0n;
  };
  const forward = async (requests: readonly RpcRequest[]): Promise<readonly Answer[]> => {
    if (requests.length === 0) return [];
    const headers = { "content-type": "application/json" };
    const response = await fetch(node.http, { method: "POST", headers, body: JSON.stringify(requests) });
    return (await response.json()) as readonly Answer[];
  };
  const isSend = ({ method }: RpcRequest) => method === "eth_sendRawTransaction";

  /** `undefined`: no answer comes, and with `cut` the connection ends. */
  const answersTo = async (
    requests: readonly RpcRequest[],
    cut: () => void,
  ): Promise<readonly Answer[] | undefined> => {
    const now = ailment;
    const own = async (meddle: (request: RpcRequest) => unknown): Promise<readonly Answer[]> => {
      const answers = await Promise.all(requests.map(meddle));
      const rest = await forward(requests.filter((_, index) => answers[index] === undefined));
      const given = requests.flatMap(({ id }, at) =>
        answers[at] ? [{ jsonrpc: "2.0", id, ...(answers[at] as object) }] : [],
      );
      return [...given, ...rest];
    };
    switch (now.kind) {
      case "none":
        return forward(requests);
      case "refuses":
        cut();
        return undefined;
      case "hangs":
        if (now.passesOn) await forward(requests.filter(isSend));
        return undefined;
      case "is late": {
        const answers = await forward(requests);
        await sleep(now.ms, undefined, { ref: false });
        return answers;
      }
      case "swallows transactions":
        return own((request) => (isSend(request) ? { result: keccak256(request.params[0] as Hex) } : undefined));
      case "loses answers to transactions": {
        const answers = await forward(requests);
        if (!requests.some(isSend)) return answers;
        cut();
        return undefined;
      }
      case "is behind":
        return own(stuckAt(rpc, await view(now)));
      case "has no receipts":
        return own(({ method }) => (method === "eth_getTransactionReceipt" ? { result: null } : undefined));
      default:
        return now satisfies never;
    }
  };

  const onPost = async (request: IncomingMessage, response: ServerResponse) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const asked = JSON.parse(text) as RpcRequest | readonly RpcRequest[];
    const answers = await answersTo([asked].flat() as readonly RpcRequest[], () => request.socket.resetAndDestroy());
    if (answers === undefined) return;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(Array.isArray(asked) ? answers : answers[0]));
  };

  const onSocket = (request: IncomingMessage, client: Socket) => {
    const upstream = new WebSocket(node.ws);
    const opened = once(upstream, "open");
    opened.catch(() => client.destroy());
    const end = () => client.resetAndDestroy();
    const peer = acceptWebSocket({ request, socket: client }, async (message) => {
      const asked = [message].flat() as readonly (RpcRequest & Message)[];
      const isSubscription = asked.some(({ method }) => method.endsWith("subscribe"));
      if (isSubscription && ailment.kind !== "hangs" && ailment.kind !== "refuses") {
        await opened;
        return upstream.send(JSON.stringify(message));
      }
      const answers = await answersTo(asked, end);
      if (answers) peer.send(Array.isArray(message) ? answers : answers[0]);
    });
    upstream.addEventListener("message", async ({ data }) => {
      const now = ailment;
      if (now.kind === "hangs") return;
      if (now.kind === "is late") await sleep(now.ms, undefined, { ref: false });
      const { result } = (JSON.parse(data as string) as Message).params ?? {};
      const block = result?.number ?? result?.blockNumber;
      if (now.kind === "is behind" && block !== undefined && BigInt(block) > (await view(now))) return;
      peer.send(data);
    });
    client.on("close", () => upstream.close());
    upstream.addEventListener("close", () => client.destroy());
  };

  const cut = () => {
    for (const client of clients) client.resetAndDestroy();
  };
  const server = createServer((request, response) => void onPost(request, response).catch(() => response.destroy()));
  server.on("connection", (client) => {
    clients.add(client);
    client.on("error", () => undefined);
    client.on("close", () => clients.delete(client));
    if (ailment.kind === "refuses") client.resetAndDestroy();
  });
  server.on("upgrade", onSocket);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    http: `http://127.0.0.1:${port}`,
    ws: `ws://127.0.0.1:${port}`,
    set: async (next) => {
      if (next.kind === "is behind") {
        const head = await newest();
        stuck = head > BigInt(next.blocks) ? head - BigInt(next.blocks) : 0n;
      }
      ailment = next;
      if (next.kind === "refuses") cut();
    },
    cut,
    stop: async () => {
      cut();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
