import { setTimeout as pause } from "node:timers/promises";
import type { Endpoints } from "../chain/endpoints/createEndpoints.ts";
import { type EndpointProbe, type Expected, probe } from "../chain/probe.ts";
import type { Config } from "../config/schema.ts";
import type { Logger } from "../ops/logger.ts";
import { probeWarnings } from "./probeTable.ts";

/** How long endpoints are waited for once one has passed its probe. */
const patienceMs = 2_000;

/**
 * Probes the endpoints before the daemon starts, and logs what they turned out to be; of one that is not waited for, later.
 * @returns those that have passed by then. @throws as `probe`.
 */
export async function probeAtStart(
  rpc: Endpoints,
  expected: Expected,
  config: Pick<Config, "rpc">,
  logger: Logger,
): Promise<readonly EndpointProbe[]> {
  const { probes, down, late } = await probe(rpc.each(), expected, () => pause(patienceMs));
  const tellFound = (found: readonly EndpointProbe[]) => {
    for (const { name, ...rest } of found) logger.info({ endpoint: name, ...rest }, "an endpoint was probed");
    for (const warning of probeWarnings(found, { ...config.rpc, finality: expected.finality })) logger.warn(warning);
  };
  for (const { name, error } of down) logger.warn({ endpoint: name, err: error }, "an endpoint does not answer");
  tellFound(probes);
  for (const { name, outcome } of late) {
    logger.warn({ endpoint: name }, "an endpoint takes long to be probed: it is used when it has passed");
    void outcome.then((each) => {
      if ("found" in each) tellFound([each.found]);
      else logger.error({ endpoint: name, err: each.error }, "an endpoint has not passed its probe");
    });
  }
  return probes;
}
