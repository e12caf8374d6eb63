import type { Clock } from "../../clock.ts";
import { describeError } from "../../errors.ts";
import type { Report, Reporter } from "../../report.ts";
import { type Entry, toEntry } from "./entry.ts";
import { createLaneBoard, type LaneBoard } from "./lane.ts";
import { createMoneyBook, type MoneyBook } from "./money.ts";
import { createRing, type Ring } from "./ring.ts";
import { createTallies, type Tallies } from "./tallies.ts";
import { createUnsignedBoard, type UnsignedBoard } from "./unsigned.ts";

export type DatedEntry = Entry & { readonly at: number };

/** How far the daemon has come, as far as it was told. Times are milliseconds since 1970. */
type Progress = {
  readonly head: { readonly number: string; readonly timestamp: number; readonly heardAt: number } | undefined;
  readonly checkpoint: { readonly number: string; readonly at: number } | undefined;
  readonly catchingUp: { readonly blocksPerSecond: number; readonly etaSeconds: number } | undefined;
  readonly socket: {
    readonly up: boolean;
    readonly endpoint: string | undefined;
    readonly since: number;
    readonly problem: string;
  };
};

/** What the page shows that reports tell. It is bounded, and asks nobody. */
export type Board = {
  readonly note: Reporter;
  /** Something that the page itself did. */
  readonly say: (entry: Entry) => void;
  readonly entries: Pick<Ring<DatedEntry>, "since" | "last">;
  readonly lane: LaneBoard;
  readonly unsigned: UnsignedBoard;
  readonly money: MoneyBook;
  readonly tallies: Tallies;
  readonly progress: () => Progress;
};

type BoardOptions = {
  readonly clock: Pick<Clock, "now">;
  readonly stuckAfterMs: number;
};

/** Entries that are kept. */
const capacity = 500;

export function createBoard({ clock, stuckAfterMs }: BoardOptions): Board {
  const { now } = clock;
  const ring = createRing<DatedEntry>(capacity);
  const lane = createLaneBoard(stuckAfterMs);
  const unsigned = createUnsignedBoard();
  const money = createMoneyBook();
  const tallies = createTallies();
  let head: Progress["head"];
  let checkpoint: Progress["checkpoint"];
  let catchingUp: Progress["catchingUp"];
  let socket: Progress["socket"] = { up: false, endpoint: undefined, since: now(), problem: "" };

  const scannedTo = (block: bigint) => {
    checkpoint = { number: String(block), at: now() };
    if (head !== undefined && block + 1n >= BigInt(head.number)) catchingUp = undefined;
  };
  const moveOn = (report: Report) => {
    switch (report.type) {
      case "head":
        if (head !== undefined && BigInt(head.number) > report.number) head = { ...head, heardAt: now() };
        else head = { number: String(report.number), timestamp: report.timestamp * 1000, heardAt: now() };
        return;
      case "scanned":
        return scannedTo(report.block);
      case "intake":
        if (report.via === "scanner" && report.block !== undefined) scannedTo(report.block);
        return;
      case "progress":
        catchingUp = { blocksPerSecond: report.blocksPerSecond, etaSeconds: report.eta };
        return;
      case "socket": {
        const since = report.up === socket.up ? socket.since : now();
        socket = report.up
          ? { up: true, endpoint: report.endpoint, since, problem: "" }
          : { up: false, endpoint: undefined, since, problem: describeError(report.error) };
        return;
      }
      default:
    }
  };
  const say = (entry: Entry) => ring.push({ ...entry, at: now() });

  return {
    note: (report) => {
      moveOn(report);
      lane.note(report);
      unsigned.note(report, now());
      money.note(report);
      tallies.note(report);
      const entry = toEntry(report);
      if (entry !== undefined) say(entry);
    },
    say,
    entries: ring,
    lane,
    unsigned,
    money,
    tallies,
    progress: () => ({ head, checkpoint, catchingUp, socket }),
  };
}
