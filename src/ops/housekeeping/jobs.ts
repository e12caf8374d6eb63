import { basename } from "node:path";
import type { Observable } from "rxjs";
import type { Clock } from "../../clock.ts";
import type { Config } from "../../config/schema.ts";
import { ConfigError } from "../../errors.ts";
import type { UpkeepJournal } from "../../journal/upkeepJournal.ts";
import type { Reporter } from "../../report.ts";
import { cron$ } from "../cronSchedule.ts";
import { backupJournal } from "./backupJournal.ts";
import { clockDoubt } from "./clockDoubt.ts";
import { checkExpiries } from "./expiries.ts";
import { probeGateways } from "./probeGateways.ts";
import { pruneJournal } from "./pruneJournal.ts";
import type { Job } from "./startHousekeeping.ts";

type HousekeepingDeps = {
  readonly config: Pick<Config, "chain" | "housekeeping" | "journal" | "payload" | "rpc" | "signer">;
  readonly journal: UpkeepJournal;
  /** Asks every endpoint who it is; answers how many do, for people. @throws if one serves another chain, or none answers. */
  readonly probeEndpoints: () => Promise<string>;
  /** The newest head's own time, in milliseconds since 1970. */
  readonly chainTime: () => number | undefined;
  readonly clock: Pick<Clock, "now">;
  readonly report: Reporter;
  /** @default node-cron, in UTC */
  readonly ticks$?: (expression: string) => Observable<unknown>;
};

const dayMs = 86_400_000;

/** The same where no head has come yet. */
const clockDoubtOf = (now: number, chainTime: number | undefined): string | undefined =>
  chainTime === undefined
    ? "no endpoint has told of a head, by which the machine's clock is checked"
    : clockDoubt(now, chainTime);

const clockWrong = (message: string) =>
  new ConfigError(message, {
    code: "CLOCK_WRONG",
    remedy: "set the machine's clock (`timedatectl`), or see whether the endpoints hang behind",
  });

/** What is to be done from time to time, beside the sweep. */
export function housekeepingJobs(deps: HousekeepingDeps): readonly Job[] {
  const { config, journal, probeEndpoints, chainTime, clock, report, ticks$ = cron$ } = deps;
  const { housekeeping: options, payload, rpc, signer } = config;
  const { backupDir, remoteCertFile } = { ...options, ...signer };
  return [
    ...(backupDir === undefined
      ? []
      : [
          {
            name: "backup",
            ticks$: ticks$(options.backupCron),
            work: async () => {
              if (config.journal.url !== undefined)
                return "nothing to do: the journal is copied by its PostgreSQL server's own backups";
              const { path, bytes, rows } = await backupJournal(
                journal,
                { directory: backupDir, keep: options.backupKeep, chainId: config.chain.id },
                clock.now(),
              );
              return `${basename(path)}, ${bytes} bytes, ${rows} rows, proven`;
            },
          },
        ]),
    {
      name: "prune",
      ticks$: ticks$(options.pruneCron),
      work: async () => {
        const doubt = clockDoubtOf(clock.now(), chainTime());
        if (doubt !== undefined) throw clockWrong(`nothing was pruned: ${doubt}`);
        return `${await pruneJournal(journal, options.pruneAfter, clock.now())} tasks pruned`;
      },
    },
    {
      name: "digest",
      ticks$: ticks$(options.digestCron),
      work: async () => {
        const until = clock.now() - (clock.now() % 1_000);
        report({ type: "digest", digest: await journal.digest(until - dayMs, until) });
        return "told";
      },
    },
    {
      name: "probe",
      ticks$: ticks$(options.probeCron),
      work: async () => {
        await probeGateways(payload.gateways, rpc.timeout, report);
        return probeEndpoints();
      },
    },
    ...(remoteCertFile === undefined
      ? []
      : [
          {
            name: "expiry",
            ticks$: ticks$(options.expiryCron),
            work: async () => {
              const what = "certificate for the remote signer";
              const times = { now: clock.now(), warnMs: options.expiryWarning };
              checkExpiries([{ what, path: remoteCertFile }], times, report);
              return "looked";
            },
          },
        ]),
  ];
}
