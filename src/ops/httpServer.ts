import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ConfigError } from "../errors.ts";
import type { Logger } from "./logger.ts";

export type Liveness = { readonly ok: boolean; readonly reason?: string };

export type HttpServerOptions = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Asked at every `/livez`. A reason is shown to whoever asks: no credentials in it. */
  readonly livez: () => Liveness;
  readonly logger: Logger;
};

export type HttpServer = {
  /** The port that is in fact open. */
  readonly port: number;
  /** Stops listening and closes every connection. */
  readonly stop: () => Promise<void>;
};

const limits = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
} as const;

/**
 * Serves `GET /livez`: 200 `ok`, or 503 with the reason.
 * @throws ConfigError `PORT_IN_USE`, `PORT_FORBIDDEN` or `HOST_UNAVAILABLE`.
 */
export async function startHttpServer({ host, port, livez, logger }: HttpServerOptions): Promise<HttpServer> {
  const server = createServer(limits, (request, response) => answer(request, response, livez, logger));
  server.maxConnections = 128;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(cannotListen(error, host, port)));
    server.listen(port, host, resolve);
  });
  server.removeAllListeners("error");
  server.on("error", (err) => logger.error({ err }, "http server failed"));
  const { port: open } = server.address() as AddressInfo;
  logger.info({ host, port: open }, "http server listening");
  return {
    port: open,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, livez: () => Liveness, logger: Logger): void {
  const path = request.url?.split("?", 1)[0];
  const headOnly = request.method === "HEAD";
  if (path === "/livez" && (headOnly || request.method === "GET")) {
    const { ok, reason = "not alive" } = ask(livez, logger);
    send(response, ok ? 200 : 503, ok ? "ok" : reason, headOnly);
  } else send(response, 404, "not found", headOnly);
}

function ask(livez: () => Liveness, logger: Logger): Liveness {
  try {
    return livez();
  } catch (err) {
    logger.error({ err }, "liveness check failed");
    return { ok: false, reason: "the check itself failed" };
  }
}

function send(response: ServerResponse, status: number, text: string, headOnly: boolean): void {
  const body = `${text}\n`;
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(headOnly ? undefined : body);
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case "EADDRINUSE":
      return new ConfigError(`port ${port} of ${host} is in use`, {
        code: "PORT_IN_USE",
        remedy: "another instance may be running: stop it, or set http.port to another port (0 takes any)",
        cause: error,
      });
    case "EACCES":
      return new ConfigError(`this user may not listen at port ${port} of ${host}`, {
        code: "PORT_FORBIDDEN",
        remedy: "set http.port to a port above 1023",
        cause: error,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ConfigError(`this machine has no address ${host}`, {
        code: "HOST_UNAVAILABLE",
        remedy: "set http.host to one of its addresses, such as 127.0.0.1",
        cause: error,
      });
    default:
      return error;
  }
}
