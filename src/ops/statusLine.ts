import { formatUnits } from "viem/utils";
import type { Figures } from "../journal/upkeepJournal.ts";
import type { Wei } from "../protocol/brand.ts";
import type { Vitals } from "./vitals.ts";

type StatusLine = {
  readonly vitals: Vitals;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly stalled?: string | undefined;
  readonly figures?: (Figures & { /** Of the last 24 hours, wei. */ readonly paid: Wei }) | undefined;
  /** Why paying is paused. */
  readonly pause?: string | undefined;
};

/** A head that nobody told of for so long is worth a word. */
const silenceMs = 60_000;

/** The daemon on one line, for `systemctl status`: what is wrong first, then head, tasks and money. */
export function statusLine({ vitals, now, stalled, figures, pause }: StatusLine): string {
  const { head, headAt, checkpoint, caughtUp } = vitals;
  const silent = headAt === undefined ? undefined : now - headAt;
  const trouble = [
    stalled && `STALLED: ${stalled}`,
    pause && `PAUSED: ${pause}`,
    silent !== undefined && silent > silenceMs && `no endpoint answers for ${Math.round(silent / 1_000)}s`,
    headAt === undefined && "no endpoint has answered yet",
    !caughtUp && head !== undefined && `catching up: block ${checkpoint ?? "none"} of ${head}`,
  ].filter((text) => typeof text === "string" && text !== "");
  const parts = [
    ...trouble,
    ...(caughtUp ? [`head ${head}`] : []),
    ...(figures
      ? [
          `${figures.openTasks} open`,
          `${figures.inFlight} in flight`,
          `${short(figures.paid)} OGPU paid in 24 h`,
          `${figures.held} held`,
        ]
      : []),
  ];
  return parts.join(", ");
}

/** At most four decimals. */
const short = (wei: bigint): string => {
  const [whole = "0", fraction = ""] = formatUnits(wei, 18).split(".");
  const shown = fraction.slice(0, 4).replace(/0+$/, "");
  return shown === "" ? whole : `${whole}.${shown}`;
};
