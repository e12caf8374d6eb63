import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { cidOf } from "./cid.ts";
import { dripBody, hugeBody, sendBody } from "./gatewayBodies.ts";
import { readUpload } from "./gatewayUpload.ts";

/** A local IPFS gateway: what the network's own does, and what bad ones do. */
export type Gateway = {
  /** Without a trailing slash. */
  readonly url: string;
  /** Streams 64 MiB of JSON without a content length. */
  readonly hugeUrl: string;
  /** Sends one byte a second. */
  readonly slowUrl: string;
  /** Refuses connections. */
  readonly deadUrl: string;
  /** Keeps bytes and resolves to their URL, `…/ipfs/<CID>`. */
  put(content: Uint8Array | string): Promise<string>;
  /** `put` for anything that JSON can hold, e.g. a task's config `{function_name, data}`. */
  putJson(value: unknown): Promise<string>;
  /** From now on serves other bytes at a URL that `put` gave. */
  tamper(url: string, content: Uint8Array | string): void;
  /** How often a path or a URL of this gateway was asked for. */
  requestsTo(pathOrUrl: string): number;
  stop(): Promise<void>;
};

export type GatewayOptions = {
  /** @default 0: one that the operating system finds free */
  readonly port?: number;
};

/**
 * Serves content by true CIDv1 (raw leaf, sha2-256, base32) on 127.0.0.1. Uploads go to `POST /file/create`
 * (multipart, field `file`), which answers `{"link": url}` as the network's upload service does.
 *
 * @example
 * const gateway = await startGateway();
 * const url = await gateway.putJson({ label: "positive" });
 */
export async function startGateway({ port = 0 }: GatewayOptions = {}): Promise<Gateway> {
  const blocks = new Map<string, Uint8Array>();
  const requests = new Map<string, number>();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://gateway");
    requests.set(pathname, (requests.get(pathname) ?? 0) + 1);
    handle(pathname, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  const url = `http://127.0.0.1:${await listen(server, port)}`;

  async function handle(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (path === "/huge") return sendBody(response, hugeBody());
    if (path === "/slow") return sendBody(response, dripBody(response));
    if (path === "/file/create" && request.method === "POST") {
      return sendJson(response, 200, JSON.stringify({ link: await put(await readUpload(request)) }));
    }
    const block = blocks.get(path);
    if (block) return sendJson(response, 200, block);
    sendJson(response, 404, JSON.stringify({ error: "not found" }));
  }

  async function put(content: Uint8Array | string): Promise<string> {
    const bytes = toBytes(content);
    const path = `/ipfs/${await cidOf(bytes)}`;
    blocks.set(path, bytes);
    return `${url}${path}`;
  }

  return {
    url,
    hugeUrl: `${url}/huge`,
    slowUrl: `${url}/slow`,
    deadUrl: `http://127.0.0.1:${await closedPort()}/ipfs/nobody`,
    put,
    putJson: (value) => put(JSON.stringify(value)),
    tamper: (target, content) => void blocks.set(new URL(target).pathname, toBytes(content)),
    requestsTo: (target) => requests.get(new URL(target, url).pathname) ?? 0,
    async stop() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const toBytes = (content: Uint8Array | string): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

function sendJson(response: ServerResponse, status: number, body: Uint8Array | string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(body);
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A port that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, 0);
  server.close();
  await once(server, "close");
  return port;
}
