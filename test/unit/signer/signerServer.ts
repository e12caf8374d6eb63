import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import type { LocalAccount } from "viem";
import { onTestFinished } from "vitest";
import { account } from "./contract.ts";

export type Seen = { readonly authorization: string | undefined; readonly method: string; readonly params: unknown };
/** What the server says: a JSON-RPC result, or the whole answer. */
export type Say = (seen: Seen) => unknown;
export type SignerServer = {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** Closes each connection without an answer, so many times. */
  readonly drop: (times: number) => void;
  readonly close: () => void;
};

/** The whole of an HTTP answer. */
export class Whole {
  readonly status: number;
  readonly body: string;
  constructor(status: number, body: string) {
    this.status = status;
    this.body = body;
  }
}

type Wire = { readonly [Key in "to" | "data" | "value" | "nonce" | "gas" | "chainId"]: `0x${string}` } & {
  readonly from: string;
  readonly gasPrice?: `0x${string}`;
  readonly maxFeePerGas?: `0x${string}`;
  readonly maxPriorityFeePerGas?: `0x${string}`;
};

/**
 * What a remote signer does with the parameters that it is sent, and nothing else that it knows.
 * @param changes What a lying one signs instead.
 */
export function signParameters(
  params: unknown,
  signer: Pick<LocalAccount, "address" | "signTransaction"> = account,
  changes: Partial<Wire> = {},
): Promise<`0x${string}`> {
  const [asked] = params as [Wire];
  const { to, data, value, nonce, gas, chainId, gasPrice, maxFeePerGas, maxPriorityFeePerGas } = {
    ...asked,
    ...changes,
  };
  if (asked.from !== signer.address.toLowerCase()) throw new Error("another account");
  const fees = gasPrice
    ? { type: "legacy", gasPrice: BigInt(gasPrice) }
    : {
        type: "eip1559",
        maxFeePerGas: BigInt(maxFeePerGas ?? 0),
        maxPriorityFeePerGas: BigInt(maxPriorityFeePerGas ?? 0),
      };
  const fields = { to, data, value: BigInt(value), nonce: Number(nonce), gas: BigInt(gas), chainId: Number(chainId) };
  return signer.signTransaction({ ...fields, ...fees } as Parameters<typeof account.signTransaction>[0]);
}

/** A signer on a real socket; with `tls`, over https. */
export async function startSignerServer(say: Say, tls?: ServerOptions): Promise<SignerServer> {
  const seen: Seen[] = [];
  let drops = 0;
  const listener: RequestListener = async (request, response) => {
    const { id, method, params } = JSON.parse(await textOf(request));
    const now = { authorization: request.headers.authorization, method, params };
    seen.push(now);
    if (drops-- > 0) return void request.socket.destroy();
    const result = await say(now);
    const { status, body } =
      result instanceof Whole ? result : new Whole(200, JSON.stringify({ jsonrpc: "2.0", id, result }));
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  };
  const server = tls ? createHttpsServer(tls, listener) : createHttpServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  const { port } = server.address() as AddressInfo;
  return { url: `http${tls ? "s" : ""}://127.0.0.1:${port}`, seen, drop: (times) => (drops = times), close };
}

/** The same, closed when the test is over. */
export async function signerServer(say: Say, tls?: ServerOptions): Promise<SignerServer> {
  const server = await startSignerServer(say, tls);
  onTestFinished(server.close);
  return server;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}
