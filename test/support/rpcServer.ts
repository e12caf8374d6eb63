import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export type RpcRequest = { readonly id: number; readonly method: string; readonly params: readonly unknown[] };

/** What the server sends back; `undefined`: it never answers. */
export type RpcReply =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body: unknown }
  | undefined;

export type RpcServer = {
  readonly port: number;
  readonly url: string;
  readonly requests: { readonly calls: readonly RpcRequest[]; readonly headers: IncomingMessage["headers"] }[];
  readonly stop: () => Promise<void>;
};

/** A JSON-RPC endpoint that answers as it is told; a body that is a string is sent as it is. */
export async function startRpcServer(
  reply: (calls: readonly RpcRequest[]) => RpcReply | Promise<RpcReply>,
  { port = 0 } = {},
): Promise<RpcServer> {
  const requests: RpcServer["requests"] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const calls = [JSON.parse(text)].flat() as RpcRequest[];
    requests.push({ calls, headers: request.headers });
    const answer = await reply(calls);
    if (answer === undefined) return;
    response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: open } = server.address() as AddressInfo;
  return {
    port: open,
    url: `http://127.0.0.1:${open}`,
    requests,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
