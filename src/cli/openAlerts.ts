import { hostname } from "node:os";
import { steadyClock, systemClock } from "../clock.ts";
import type { Config } from "../config/schema.ts";
import type { AlertChange } from "../ops/alerts/alert.ts";
import { type Alerts, createAlerts } from "../ops/alerts/createAlerts.ts";
import { behind, broken, unsigned } from "../ops/alerts/ownAlerts.ts";
import { stopsTold } from "../ops/alerts/stopsTold.ts";
import { webhookBody } from "../ops/alerts/templates.ts";
import { createWebhook } from "../ops/alerts/webhook.ts";
import type { Unsigned } from "../ops/board/unsigned.ts";
import type { Logger } from "../ops/logger.ts";
import type { Metrics } from "../ops/metrics/createMetrics.ts";
import type { Scrub } from "../ops/scrub.ts";
import { unborn, type Vitals, whyBehind } from "../ops/vitals.ts";

type AlertParts = {
  readonly config: Pick<Config, "alerts" | "network" | "journal">;
  readonly url: string | undefined;
  readonly logger: Logger;
  readonly scrub: Scrub;
  readonly metrics: () => Pick<Metrics, "add"> | undefined;
  readonly vitals: () => Vitals | undefined;
  /** Approved confirmations that nobody signs. */
  readonly waiting: (now: number) => Unsigned;
};

export type OpenAlerts = Alerts & {
  /** The daemon stops for a reason of its own; where it does so at each start, that is told once in a while. */
  readonly stopping: (error: unknown) => void;
  /** Ends the reminders, and waits a little for what was not delivered yet. */
  readonly close: () => Promise<void>;
};

/** How long a stop waits for the webhook. */
const farewellMs = 5_000;

/** Alerts as the configuration describes them; without a webhook they are counted and go nowhere. */
export function openAlerts({ config, url, logger, scrub, metrics, vitals, waiting }: AlertParts): OpenAlerts {
  const { alerts: options, network, journal } = config;
  const stops = stopsTold(journal.url === undefined ? `${journal.path}.told` : undefined, {
    now: systemClock.now,
    repeatAfterMs: options.repeatAfter,
  });
  let isLost = false;
  const sender = { network, host: hostname(), chat: options.chat ?? "" };
  const webhook =
    url === undefined
      ? undefined
      : createWebhook({
          url,
          timeoutMs: options.timeout,
          onFailure: (problem, lost) => {
            isLost = true;
            metrics()?.add("alerts_lost_total", lost);
            logger.warn({ problem }, "the webhook did not take an alert");
          },
        });
  const bornAt = steadyClock.now();
  const alerts = createAlerts({
    clock: systemClock,
    repeatAfterMs: options.repeatAfter,
    lastingMs: options.after,
    tell: (notice) => {
      if (notice.state === "firing") metrics()?.add("alerts_total", 1, { severity: notice.severity });
      const clean = { ...notice, title: scrub(notice.title), text: scrub(notice.text) };
      webhook?.send(webhookBody(options.format, clean, sender));
    },
    look: (now) => {
      // A machine that slept has heard nothing meanwhile, and nobody is to blame for that.
      const steady = steadyClock.now();
      return [
        silence(steady, vitals()?.headAt ?? bornAt, options.after),
        behind(whyBehind(vitals() ?? unborn, steady)),
        unsigned(waiting(now)),
      ];
    },
  });
  return {
    ...alerts,
    stopping: (error) => {
      if (stops.isNews(error)) alerts.change(broken(error));
      else logger.info({ again: options.repeatAfter }, "no alert: the same was told of at a start before");
    },
    close: async () => {
      alerts.stop();
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(() => {
        isLost = true;
        resolve();
      }, farewellMs);
      await Promise.race([webhook?.drained(), promise]);
      clearTimeout(timer);
      if (webhook !== undefined && !isLost) stops.keep();
      webhook?.close();
    },
  };
}

/** No endpoint tells of a head. */
function silence(now: number, heardAt: number, afterMs: number): AlertChange {
  if (now - heardAt <= Math.max(afterMs, 10_000)) return { kind: "ends", key: "silence" };
  return {
    kind: "begins",
    key: "silence",
    severity: "critical",
    title: "no endpoint answers",
    text: `Nothing was heard of the chain for ${Math.round((now - heardAt) / 1_000)}s. Nothing is paid until one answers; nothing is lost.`,
  };
}
