import { isIP } from "node:net";
import type { FastifyInstance } from "fastify";

/** A supervisor or Prometheus may call the daemon by any name; what these answer is worth nothing to a web page. */
const open = new Set(["/livez", "/readyz", "/metrics"]);

/**
 * Refuses requests whose `Host` is a name that nobody allowed: a web page elsewhere could let its own name point to this
 * machine, and then read the daemon's page through a browser that runs here (DNS rebinding).
 */
export function hostGuard(server: FastifyInstance, allowed: readonly string[]): void {
  const names = new Set(["localhost", ...allowed.map((name) => name.toLowerCase())]);
  server.addHook("onRequest", async (request, reply) => {
    if (open.has(request.routeOptions.url ?? "")) return;
    if (isAllowed(request.headers.host, names)) return;
    reply.code(421);
    return reply.send({
      error: "this host name is not allowed: add it to http.allowedHosts, or use localhost or an address",
    });
  });
}

function isAllowed(host: string | undefined, names: ReadonlySet<string>): boolean {
  const name = (host ?? "").toLowerCase().replace(/:\d{1,5}$/, "");
  return names.has(name) || isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0;
}
