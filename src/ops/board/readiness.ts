import type { Clock } from "../../clock.ts";
import { formatOgpu } from "../../protocol/amounts.ts";
import type { AccountAddress } from "../../protocol/brand.ts";
import type { Report, Reporter } from "../../report.ts";
import type { Funds } from "../../sink/funds.ts";
import type { Check } from "../http/probeRoutes.ts";

type ReadinessOptions = {
  readonly clock: Pick<Clock, "now">;
  /** How long ago an endpoint may have told of its head. */
  readonly headFreshMs: number;
  /** Blocks that the scanner may be behind the head and count as caught up. */
  readonly maxLag: number;
  /** The keys that pay; without one there is nothing to fund. */
  readonly keys: readonly AccountAddress[];
  /** Why the pipe stands still; `undefined` while it does not. @default nobody watches for that */
  readonly stalled?: (() => string | undefined) | undefined;
  /** Why the scanner is far behind and comes no further; `undefined` while it does. @default nobody watches for that */
  readonly behind?: (() => string | undefined) | undefined;
};

export type Readiness = {
  readonly note: Reporter;
  /** What a write to the journal said last. */
  readonly sawJournal: (problem: string | undefined) => void;
  /** What the key whose money ends first can pay for; `undefined` until one was read. */
  readonly funds: () => Funds | undefined;
  readonly checks: () => readonly Check[];
};

/** Whether the daemon can do its work, by what it was told of. Asks nobody. */
export function createReadiness(options: ReadinessOptions): Readiness {
  const { clock, headFreshMs, maxLag, keys, stalled, behind } = options;
  let head: { readonly number: bigint; readonly heardAt: number } | undefined;
  let checkpoint: bigint | undefined;
  let hasCaughtUp = false;
  let journal: string | undefined = "was not written to yet";
  const funds = new Map<AccountAddress, Funds>();
  /** Those that are given nothing until they have money. */
  const penniless = new Set<AccountAddress>();

  const leastFunds = (): Funds | undefined => {
    const [first, ...others] = funds.values();
    return others.reduce((least, each) => (least && each.confirmations < least.confirmations ? each : least), first);
  };
  const headCheck = (): Omit<Check, "name"> => {
    if (head === undefined) return { ok: false, reason: "no endpoint has told of a head yet" };
    const seconds = Math.round((clock.now() - head.heardAt) / 1000);
    const ok = clock.now() - head.heardAt <= headFreshMs;
    return { ok, reason: `block ${head.number}, heard ${seconds}s ago${ok ? "" : ": no endpoint answers"}` };
  };
  const backfillCheck = (): Omit<Check, "name"> => {
    if (head === undefined || checkpoint === undefined) return { ok: false, reason: "the scanner has not begun" };
    const lag = head.number > checkpoint ? head.number - checkpoint : 0n;
    if (lag <= BigInt(maxLag)) hasCaughtUp = true;
    const why = behind?.();
    if (why !== undefined) return { ok: false, reason: why };
    return { ok: hasCaughtUp, reason: `checkpoint ${checkpoint}, ${lag} blocks behind the head` };
  };
  const keyCheck = (): Omit<Check, "name"> => {
    if (keys.length === 0) return { ok: true, reason: "no key, or a dry run: nothing is paid" };
    const poorest = leastFunds();
    if (poorest === undefined || !keys.every((key) => funds.has(key)))
      return { ok: false, reason: "the balance was not read yet" };
    const { balance, confirmations } = poorest;
    const pays = Number.isFinite(confirmations) ? `pays the gas of ${confirmations} confirmations` : "gas is free";
    const isRefused = confirmations >= 1 && keys.some((key) => penniless.has(key));
    const refused = isRefused ? "; but a node says that a key cannot pay, and that key is given nothing" : "";
    return { ok: confirmations >= 1 && !isRefused, reason: `${formatOgpu(balance)}, ${pays}${refused}` };
  };
  const pipeCheck = (): Omit<Check, "name"> => {
    const reason = stalled?.();
    return { ok: reason === undefined, reason: reason ?? "does not stand still" };
  };

  return {
    note: (report: Report) => {
      if (report.type === "head") {
        // A node that lags does not take the head back.
        const number = head !== undefined && head.number > report.number ? head.number : report.number;
        head = { number, heardAt: clock.now() };
      }
      // A dry run pays with none, and shows them all; the money of a former key is nobody's worry but that key's.
      const isOurs = (key: AccountAddress) => keys.length === 0 || keys.includes(key);
      if (report.type === "funds" && isOurs(report.signer)) funds.set(report.signer, report);
      if (report.type === "key" && report.state === "no-funds") penniless.add(report.signer);
      if (report.type === "key" && report.state === "funded") penniless.delete(report.signer);
      // On a chain that stands still there is nothing to take in after a restart: the end of a scan says enough.
      const isScan = report.type === "scanned" || (report.type === "intake" && report.via === "scanner");
      if (isScan && report.block !== undefined) {
        checkpoint = report.block;
        backfillCheck();
      }
    },
    sawJournal: (problem) => {
      journal = problem;
    },
    funds: leastFunds,
    checks: () => [
      { name: "head", ...headCheck() },
      { name: "backfill", ...backfillCheck() },
      { name: "key", ...keyCheck() },
      { name: "journal", ok: journal === undefined, reason: journal ?? "writable" },
      { name: "pipe", ...pipeCheck() },
    ],
  };
}
