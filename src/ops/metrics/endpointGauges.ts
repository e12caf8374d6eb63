import type { EndpointHealth } from "../../chain/endpoints/endpointHealth.ts";
import type { Metrics } from "./createMetrics.ts";

/** Shows the endpoints' health, as it is at each reading. */
export function endpointGauges(metrics: Metrics, health: () => readonly EndpointHealth[]): void {
  metrics.beforeReading(() => {
    for (const {
      name: endpoint,
      failuresInRow,
      isRefusing,
      latencyMs,
      failureRate,
      head,
      lag,
      ahead,
      queued,
    } of health()) {
      // A cool-down that ends says nothing yet: the next answer does.
      metrics.set("endpoint_up", failuresInRow > 0 ? 0 : 1, { endpoint });
      metrics.set("endpoint_refusing", isRefusing ? 1 : 0, { endpoint });
      metrics.set("endpoint_failure_ratio", failureRate, { endpoint });
      metrics.set("endpoint_lag_blocks", lag, { endpoint });
      metrics.set("endpoint_ahead_blocks", ahead, { endpoint });
      metrics.set("endpoint_queued_requests", queued, { endpoint });
      if (latencyMs !== undefined) metrics.set("endpoint_latency_seconds", latencyMs / 1000, { endpoint });
      if (head !== undefined) metrics.set("endpoint_head_block", Number(head), { endpoint });
    }
  });
}
