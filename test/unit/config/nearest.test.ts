import { expect, it } from "vitest";
import { nearest } from "../../../src/config/nearest.ts";
import { didYouMean } from "../../../src/policy/didYouMean.ts";

it.each([
  ["jsn", "json"],
  ["JSON", "json"],
  ["jsonab", "json"],
  ["jsonabc", undefined],
  ["tt", "text"],
  ["OGPU_SNK_MX_PAMENT", "OGPU_SINK_MAX_PAYMENT"],
  ["OGPU_SN_MX_PA", undefined],
  ["", undefined],
])("takes %j for %j: two letters may be others, or a quarter of a long name's", (name, meant) => {
  expect(nearest(name, ["json", "text", "OGPU_SINK_MAX_PAYMENT"])).toBe(meant);
});

it("takes the nearest of several, and the first of those that are as near", () => {
  expect(nearest("modes", ["code", "nodes", "mode"])).toBe("nodes");
  expect(nearest("cost", ["cots", "most", "cast"])).toBe("most");
  expect(nearest("cost", ["cots", "coast"], 0)).toBeUndefined();
});

it.each([
  ["jsn", "did you mean json?"],
  ["txt2", "did you mean text?"],
  ["jsonabc", "known: json, text"],
  ["tt", "known: json, text"],
  ["t", "known: json, text"],
  ["", "known: json, text"],
])("hints, where a policy says %j: %s", (name, hint) => {
  expect(didYouMean(name, ["json", "text"])).toBe(hint);
});

it("takes a name without an end for none", () => {
  const endless = `json${"n".repeat(1_000_000)}`;
  expect(nearest(endless, ["json", "text"])).toBeUndefined();
  expect(didYouMean(endless, ["json", "text"])).toBe("known: json, text");
});
