import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics/createMetrics.ts";
import { isSameToken } from "./pageToken.ts";

type AuthorizeOptions = {
  /** `undefined`: nothing can be changed. */
  readonly token: () => string | undefined;
  readonly now: () => number;
  readonly metrics: Metrics;
  readonly logger: Logger;
};

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

type Authorize = {
  /** Refuses what a browser sends for another site. Goes before the limit, so that it uses nothing of it up. */
  readonly refuseForeign: Hook;
  /** Whether a request shows the token. The time that it takes tells nothing of the token. */
  readonly showsToken: (request: FastifyRequest) => boolean;
  /** Refuses what does not show the token. */
  readonly requireToken: Hook;
};

type Refusal = {
  readonly status: 401 | 403;
  readonly reason: "origin" | "disabled" | "token";
  readonly error: string;
};

const foreign: Refusal = { status: 403, reason: "origin", error: "this request comes from another site" };
const disabled: Refusal = {
  status: 403,
  reason: "disabled",
  error: "there is no token (http.tokenFile): nothing can be changed over HTTP",
};
const wrongToken: Refusal = {
  status: 401,
  reason: "token",
  error: "the token is wrong: it is in the file that http.tokenFile names",
};

/** Milliseconds between two records of refused requests from other sites. */
const foreignEveryMs = 60_000;

/**
 * Lets a request change something only if it shows the token in `Authorization: Bearer`, which no browser sends by
 * itself, and, where a browser says where it comes from, comes from this very page.
 */
export function createAuthorize({ token: tokenNow, now, metrics, logger }: AuthorizeOptions): Authorize {
  let foreignToldAt = Number.NEGATIVE_INFINITY;
  /** No limit counts other sites' requests: a page that sends them for ever is not to fill the log. */
  const isToBeTold = (reason: Refusal["reason"]): boolean => {
    if (reason !== "origin") return true;
    if (now() - foreignToldAt < foreignEveryMs) return false;
    foreignToldAt = now();
    return true;
  };
  const refuse = (request: FastifyRequest, reply: FastifyReply, { status, reason, error }: Refusal) => {
    metrics.add("refused_changes_total", 1, { reason });
    if (isToBeTold(reason))
      logger.warn({ route: request.routeOptions.url, reason, ip: request.ip }, "a change over HTTP was refused");
    return reply.code(status).send({ error });
  };
  const showsToken = ({ headers }: FastifyRequest): boolean => {
    const token = tokenNow();
    const given = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(headers.authorization ?? "")?.[1];
    return token !== undefined && given !== undefined && isSameToken(given, token);
  };
  return {
    refuseForeign: async (request, reply) => (isSameOrigin(request) ? undefined : refuse(request, reply, foreign)),
    showsToken,
    requireToken: async (request, reply) => {
      if (tokenNow() === undefined) return refuse(request, reply, disabled);
      if (showsToken(request)) return undefined;
      reply.header("www-authenticate", 'Bearer realm="ogpu-confirmd"');
      return refuse(request, reply, wrongToken);
    },
  };
}

/** Whether a browser says that this very page asks, or what asks is no browser: that says neither. */
export function isSameOrigin({ headers }: FastifyRequest): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return false;
  const { origin } = headers;
  return origin === undefined || URL.parse(origin)?.host === headers.host;
}
