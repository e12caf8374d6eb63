import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { RpcRequest } from "./rpcServer.ts";

type Answer = { readonly result: unknown } | { readonly error: { readonly code: number; readonly message: string } };

/** What is answered instead of the node; `undefined`: the request goes through. */
export type Meddle = (request: RpcRequest) => Answer | undefined | Promise<Answer | undefined>;

export type MeddlingProxy = {
  readonly http: string;
  readonly set: (meddle: Meddle) => void;
  readonly stop: () => Promise<void>;
};

/** JSON-RPC over HTTP before a real node, which answers some requests itself. */
export async function startMeddlingProxy(node: string): Promise<MeddlingProxy> {
  let meddle: Meddle = () => undefined;
  const forward = async (requests: readonly RpcRequest[]): Promise<readonly unknown[]> => {
    if (requests.length === 0) return [];
    const headers = { "content-type": "application/json" };
    const response = await fetch(node, { method: "POST", headers, body: JSON.stringify(requests) });
    return (await response.json()) as readonly unknown[];
  };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const asked = JSON.parse(text) as RpcRequest | readonly RpcRequest[];
    const all = [asked].flat() as readonly RpcRequest[];
    try {
      const own = await Promise.all(all.map(meddle));
      const answered = all.flatMap(({ id }, index) => (own[index] ? [{ jsonrpc: "2.0", id, ...own[index] }] : []));
      const answers = [...answered, ...(await forward(all.filter((_, index) => own[index] === undefined)))];
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
      meddle = next;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
