import type { Report } from "../../report.ts";

/** A stretch of time, from `at` on (milliseconds since 1970). Amounts are decimal wei in text. */
type MoneyPoint = { readonly at: number; readonly paid: string; readonly saved: string; readonly count: number };

/** Spans that the chart shows, each with the width of its points. */
export const moneySpans = {
  hour: { lengthMs: 3_600_000, stepMs: 10_000 },
  day: { lengthMs: 24 * 3_600_000, stepMs: 300_000 },
  month: { lengthMs: 30 * 24 * 3_600_000, stepMs: 2 * 3_600_000 },
} as const;

export type MoneySpan = keyof typeof moneySpans;

/** Something that was paid, finally. */
type Payment = { readonly at: number; readonly payment: bigint; readonly offered: bigint | undefined };

export type MoneyBook = {
  readonly note: (report: Report) => void;
  readonly add: (payment: Payment) => void;
  /** The points of a span that are not empty, oldest first. */
  readonly series: (span: MoneySpan, now: number) => readonly MoneyPoint[];
  /** Of the last so many milliseconds, to the width of a point. */
  readonly sum: (span: MoneySpan, now: number) => Omit<MoneyPoint, "at">;
};

type Bucket = { paid: bigint; saved: bigint; count: number };

/** Money paid and saved over time, in buckets: what is kept does not grow with what is paid. */
export function createMoneyBook(): MoneyBook {
  const books = new Map<MoneySpan, Map<number, Bucket>>();
  const spans = Object.entries(moneySpans) as [MoneySpan, (typeof moneySpans)[MoneySpan]][];
  for (const [span] of spans) books.set(span, new Map());

  const add: MoneyBook["add"] = ({ at, payment, offered = payment }) => {
    const saved = offered > payment ? offered - payment : 0n;
    for (const [span, { lengthMs, stepMs }] of spans) {
      const book = books.get(span) as Map<number, Bucket>;
      const key = Math.floor(at / stepMs);
      const bucket = book.get(key) ?? { paid: 0n, saved: 0n, count: 0 };
      book.set(key, { paid: bucket.paid + payment, saved: bucket.saved + saved, count: bucket.count + 1 });
      const most = 2 * Math.ceil(lengthMs / stepMs);
      if (book.size > most) {
        const newest = Math.max(...book.keys());
        for (const old of book.keys()) if (old < newest - most / 2) book.delete(old);
      }
    }
  };
  const within = (span: MoneySpan, now: number): [number, Bucket][] => {
    const { lengthMs, stepMs } = moneySpans[span];
    const book = books.get(span) as Map<number, Bucket>;
    return [...book].filter(([key]) => (key + 1) * stepMs > now - lengthMs).sort(([a], [b]) => a - b);
  };
  return {
    add,
    note: (report) => {
      if (report.type !== "confirmation" || report.confirmation.state !== "final") return;
      const { payment, offered, attempts } = report.confirmation;
      add({ at: attempts.at(-1)?.signedAt ?? 0, payment, offered });
    },
    series: (span, now) =>
      within(span, now).map(([key, { paid, saved, count }]) => ({
        at: key * moneySpans[span].stepMs,
        paid: String(paid),
        saved: String(saved),
        count,
      })),
    sum: (span, now) => {
      const total = { paid: 0n, saved: 0n, count: 0 };
      for (const [, { paid, saved, count }] of within(span, now)) {
        total.paid += paid;
        total.saved += saved;
        total.count += count;
      }
      return { paid: String(total.paid), saved: String(total.saved), count: total.count };
    },
  };
}
