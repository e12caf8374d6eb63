import type { FastifyInstance } from "fastify";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics/createMetrics.ts";

export type Liveness = { readonly ok: boolean; readonly reason?: string };

/** One condition of readiness. */
export type Check = { readonly name: string; readonly ok: boolean; readonly reason: string };

export type ProbeParts = {
  /** Asked at every `/livez`. A reason is shown to whoever asks: no credentials in it. */
  readonly livez: () => Liveness;
  /** Asked at every `/readyz`; ready is who fulfils them all. */
  readonly readyz: () => readonly Check[];
  readonly metrics: Metrics;
  readonly logger: Logger;
};

const text = "text/plain; charset=utf-8";

/** What supervisors and Prometheus ask: none of it waits for the chain. */
export function probeRoutes(server: FastifyInstance, { livez, readyz, metrics, logger }: ProbeParts): void {
  const guarded = <T>(ask: () => T, otherwise: T): T => {
    try {
      return ask();
    } catch (err) {
      logger.error({ err }, "a health check failed");
      return otherwise;
    }
  };

  server.get("/livez", (_, reply) => {
    const { ok, reason = "not alive" } = guarded(livez, { ok: false, reason: "the check itself failed" });
    return reply
      .code(ok ? 200 : 503)
      .type(text)
      .send(ok ? "ok\n" : `${reason}\n`);
  });

  server.get("/readyz", (_, reply) => {
    const checks = guarded(readyz, [{ name: "checks", ok: false, reason: "the check itself failed" }]);
    const lines = checks.map(({ name, ok, reason }) => `${ok ? "ok  " : "FAIL"} ${name}: ${reason}\n`);
    return reply
      .code(checks.every(({ ok }) => ok) ? 200 : 503)
      .type(text)
      .send(lines.join(""));
  });

  server.get("/metrics", async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()));
}
