import type { AddressInfo } from "node:net";
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics/createMetrics.ts";
import type { Scrub } from "../scrub.ts";
import { hostGuard } from "./hostGuard.ts";
import { listenError } from "./listenError.ts";
import { type ProbeParts, probeRoutes } from "./probeRoutes.ts";
import { securityHeaders } from "./securityHeaders.ts";

export type HttpServerOptions = Omit<ProbeParts, "metrics"> & {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly metrics: Metrics;
  /** Names that the page may be asked for by, beside addresses and `localhost`. */
  readonly allowedHosts: readonly string[];
  /** Takes credentials out of every body that leaves. */
  readonly scrub: Scrub;
  readonly logger: Logger;
  /** Adds the page and what it asks for. */
  readonly routes?: (server: FastifyInstance) => Promise<void>;
};

type HttpServer = {
  /** The port that is in fact open. */
  readonly port: number;
  /** Stops listening and closes every connection. */
  readonly stop: () => Promise<void>;
};

const limits = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
} as const;
const mostConnections = 128;

/** Fastify says of each address that a name stands for that it listens there, and nothing else. */
const withoutInfo = (logger: Logger): Logger => Object.create(logger, { info: { value: () => undefined } });

/**
 * The daemon's own HTTP server: probes and metrics, and whatever `routes` adds.
 * @throws RetryableError `PORT_IN_USE`; ConfigError `PORT_FORBIDDEN` or `HOST_UNAVAILABLE`.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, metrics, allowedHosts, scrub, logger, routes } = options;
  const server = fastify({
    http: limits,
    loggerInstance: withoutInfo(logger) as unknown as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 16 * 1024,
    keepAliveTimeout: 5_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 100 },
  }) as unknown as FastifyInstance;
  server.server.maxConnections = mostConnections;

  securityHeaders(server);
  hostGuard(server, allowedHosts);
  server.addHook("onSend", async (_, __, payload) => (typeof payload === "string" ? scrub(payload) : payload));
  server.addHook("onResponse", async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
    const route = routeOptions.url ?? "none";
    metrics.add("http_requests_total", 1, { route, status: String(statusCode) });
    logger.trace({ method, route, status: statusCode, ms: Math.round(elapsedTime) }, "http request");
  });
  server.setNotFoundHandler((_, reply) => reply.code(404).type("text/plain; charset=utf-8").send("not found\n"));
  server.setErrorHandler((error: { statusCode?: number; message?: string }, _, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) logger.error({ err: error }, "an http request failed");
    // Only what was wrong with the request is told to whoever sent it.
    const problem = status >= 500 ? "the daemon could not answer; its log tells why" : error.message;
    return reply.code(status).send({ error: problem });
  });
  probeRoutes(server, options);
  await routes?.(server);

  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    throw listenError(error as NodeJS.ErrnoException, host, port);
  }
  const { port: open } = server.server.address() as AddressInfo;
  logger.info({ host, port: open }, "http server listening");
  return { port: open, stop: () => server.close() };
}
