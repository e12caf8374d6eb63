import { describe, expect, it } from "vitest";
import type { AlertChange, Severity } from "../../../src/ops/alerts/alert.ts";
import { type AlertBook, due, noted } from "../../../src/ops/alerts/alertBook.ts";

const hour = 3_600_000;
const options = { repeatAfterMs: 4 * hour };
const begins = (key: string, severity: Severity = "warning"): AlertChange => {
  return { kind: "begins", key, severity, title: "", text: "" };
};
const happens = (key: string): AlertChange => ({ kind: "happens", key, severity: "critical", title: "", text: "" });
const ends = (key: string): AlertChange => ({ kind: "ends", key });

const open = () => {
  let book: AlertBook = new Map();
  const told: string[] = [];
  const take = ([next, notices]: ReturnType<typeof due>) => {
    book = next;
    told.push(...notices.map(({ state, key }) => `${state} ${key}`));
  };
  return {
    note: (change: AlertChange, now: number) => take(noted(book, change, now, options)),
    pass: (now: number) => take(due(book, now, options)),
    size: () => book.size,
    about: (key: string) => told.filter((each) => each.endsWith(` ${key}`)),
  };
};

describe("the book of alerts", () => {
  it.each([
    ["events", happens],
    ["lesser conditions", begins],
  ])("is bounded, and forgets no condition that lasts for however many %s", (_, of) => {
    const { note, pass, size, about } = open();
    note(begins("paused", "critical"), 0);
    for (let at = 0; at < 2_000; at++) note(of(`other ${at}`), 0);
    expect(size()).toBe(500);
    expect(about("other 1999")).toEqual(["firing other 1999"]);
    pass(4 * hour);
    note(ends("paused"), 5 * hour);
    expect(about("paused")).toEqual(["firing paused", "firing paused", "resolved paused"]);
  });

  it("forgets events before any condition, the oldest first", () => {
    const { note, about } = open();
    for (let at = 0; at < 498; at++) note(begins(`low ${at}`, "info"), 0);
    for (const event of ["a", "b", "c", "c", "a"]) note(happens(event), 0);
    for (let at = 0; at < 498; at++) note(ends(`low ${at}`), 0);
    expect(about("a")).toHaveLength(2);
    expect(about("c")).toHaveLength(1);
    for (let at = 0; at < 498; at++) expect(about(`low ${at}`)).toHaveLength(2);
  });

  it("tells of what happens, and reminds of what lasts, after a clock that was ahead is set back", () => {
    const { note, pass, about } = open();
    const ahead = 40_000 * hour;
    for (const change of [happens("missed"), begins("paused"), { ...begins("lost"), lastingMs: hour }])
      note(change, ahead);
    pass(0);
    note(happens("missed"), 1);
    expect(about("missed")).toEqual(["firing missed", "firing missed"]);
    expect(about("paused")).toEqual(["firing paused", "firing paused"]);
    expect(about("lost")).toEqual(["firing lost"]);
    pass(4 * hour - 1);
    expect(about("paused")).toHaveLength(2);
    pass(4 * hour);
    expect(about("paused")).toHaveLength(3);
  });

  it("keeps nothing of what happened once and is told, such as each day's digest", () => {
    const { note, pass, size, about } = open();
    for (let day = 0; day < 600; day++) {
      note(happens(`digest ${day}`), day * 24 * hour);
      pass((day * 24 + 4) * hour);
    }
    expect(size()).toBe(0);
    expect(about("digest 599")).toEqual(["firing digest 599"]);
  });
});
