import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics/createMetrics.ts";
import { isSameToken } from "./pageToken.ts";

export type AuthorizeOptions = {
  /** `undefined`: nothing can be changed. */
  readonly token: () => string | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
};

/**
 * Lets a request change something only if it shows the token in `Authorization: Bearer`, which no browser sends by
 * itself, and, where a browser says where it comes from, comes from this very page.
 */
export function createAuthorize({ token: tokenNow, metrics, logger }: AuthorizeOptions) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const refuse = (status: number, reason: "origin" | "disabled" | "token", error: string) => {
      metrics.add("refused_changes_total", 1, { reason });
      logger.warn({ route: request.routeOptions.url, reason, ip: request.ip }, "a change over HTTP was refused");
      return reply.code(status).send({ error });
    };
    const token = tokenNow();
    if (!isSameOrigin(request)) return refuse(403, "origin", "this request comes from another site");
    if (token === undefined)
      return refuse(403, "disabled", "there is no token (http.tokenFile): nothing can be changed over HTTP");
    const given = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? "")?.[1];
    if (given !== undefined && isSameToken(given, token)) return undefined;
    reply.header("www-authenticate", 'Bearer realm="ogpu-confirmd"');
    return refuse(401, "token", "the token is wrong: it is in the file that http.tokenFile names");
  };
}

/** What is not a browser says neither. */
function isSameOrigin({ headers }: FastifyRequest): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return false;
  const { origin } = headers;
  return origin === undefined || URL.parse(origin)?.host === headers.host;
}
