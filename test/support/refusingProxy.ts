import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Hex } from "../../src/protocol/brand.ts";

/** What a node says of a transaction instead of taking it; `undefined`: it takes it. */
export type Refuse = (raw: Hex) => string | undefined;

export type RefusingProxy = {
  readonly http: string;
  readonly set: (refuse: Refuse) => void;
  /** What was refused, in order. */
  readonly refused: readonly Hex[];
  readonly stop: () => Promise<void>;
};

type Request = { readonly id: number; readonly method: string; readonly params: readonly unknown[] };

/** JSON-RPC over HTTP before a real node, which refuses some transactions for itself; everything else goes through. */
export async function startRefusingProxy(node: string): Promise<RefusingProxy> {
  let refuse: Refuse = () => undefined;
  const refused: Hex[] = [];
  const answerOf = ({ id, method, params }: Request) => {
    const raw = params[0] as Hex;
    const message = method === "eth_sendRawTransaction" ? refuse(raw) : undefined;
    if (message === undefined) return undefined;
    refused.push(raw);
    return { jsonrpc: "2.0", id, error: { code: -32000, message } };
  };
  const forward = async (requests: readonly Request[]): Promise<readonly unknown[]> => {
    if (requests.length === 0) return [];
    const headers = { "content-type": "application/json" };
    const response = await fetch(node, { method: "POST", headers, body: JSON.stringify(requests) });
    return (await response.json()) as readonly unknown[];
  };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const asked = JSON.parse(text) as Request | readonly Request[];
    const all = [asked].flat() as readonly Request[];
    const own = all.map(answerOf);
    try {
      const others = await forward(all.filter((_, index) => own[index] === undefined));
      const answers = [...own.filter((each) => each !== undefined), ...others];
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(Array.isArray(asked) ? answers : answers[0]));
    } catch {
      response.destroy();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    http: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (next) => {
      refuse = next;
    },
    refused,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
