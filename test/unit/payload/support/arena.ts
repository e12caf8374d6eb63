import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { onTestFinished } from "vitest";
import type { PayloadOptions } from "../../../../src/payload/createPayload.ts";
import { createSelfSigned } from "./selfSigned.ts";

/** Servers on free ports of loopback, for as long as a test runs. Each answers its `host:port`. */
export type Arena = {
  readonly serve: (listener: RequestListener) => Promise<string>;
  readonly reply: (body: string | Uint8Array, headers?: Headers, status?: number) => Promise<string>;
  /** Speaks whatever it likes. */
  readonly tcp: (onSocket: (socket: Socket) => void) => Promise<string>;
  /** Speaks TLS with a certificate that signed itself, and that nobody trusts unless told to. */
  readonly tls: (listener: RequestListener, trusted?: boolean) => Promise<string>;
  /** The servers so far, for `allowHosts`. */
  readonly hosts: string[];
};

type Headers = Readonly<Record<string, string | string[]>>;

export function createArena(): Arena {
  const hosts: string[] = [];
  const listen = async (server: Server | TcpServer, sockets: Set<Socket>): Promise<string> => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    hosts.push(host);
    return host;
  };
  const tracked = <T extends TcpServer>(server: T): Promise<string> => {
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    });
    return listen(server, sockets);
  };
  const serve: Arena["serve"] = (listener) => tracked(createServer(listener));
  return {
    hosts,
    serve,
    reply: (body, headers = {}, status = 200) =>
      serve((_request, response) => void response.writeHead(status, headers).end(body)),
    tcp: (onSocket) => tracked(createTcpServer(onSocket)),
    tls: (listener, trusted = false) => {
      const signed = createSelfSigned();
      if (trusted) setDefaultCACertificates([...getCACertificates("default"), signed.cert]);
      return tracked(createTlsServer(signed, listener));
    },
  };
}

/** A reader that may reach the arena's servers and nothing else. */
export const optionsFor = (arena: Arena): PayloadOptions => ({
  gateways: [],
  allowHosts: arena.hosts,
  lookup: noNames,
});

export const resolvesTo = (...addresses: readonly string[]): NonNullable<PayloadOptions["lookup"]> => {
  return async () => addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
};

const noNames = resolvesTo();
