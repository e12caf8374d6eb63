import { expect, it } from "vitest";
import { matchableOf } from "../../../src/policy/matchableOf.ts";
import type { Matchable } from "../../../src/policy/policyPort.ts";
import type { MatchSpec } from "../../../src/policy/policySpec.ts";
import { selectPolicy } from "../../../src/policy/selectPolicy.ts";
import type { AccountAddress, SourceAddress } from "../../../src/protocol/brand.ts";
import { wei } from "../../../src/protocol/brand.ts";
import { aSource, aTask } from "../../support/fakeChain.ts";
import { invalidOutput, outputOf } from "./support.ts";

const source = `0x${"5".repeat(40)}` as SourceAddress;
const client = `0x${"c".repeat(40)}` as AccountAddress;
const stranger = `0x${"d".repeat(40)}` as AccountAddress;
const anything: MatchSpec = {
  ...{ sources: undefined, clients: undefined, functions: undefined },
  ...{ delivery: undefined, payment: undefined },
};
const task: Matchable = { source, functionName: "sum", client, deliveryMethod: 0, payment: wei(10n) };

const chosen = (match: Partial<MatchSpec>, of: Partial<Matchable>): boolean =>
  selectPolicy([{ spec: { match: { ...anything, ...match } } }], { ...task, ...of }) !== undefined;

it.each<[string, Partial<MatchSpec>, readonly Partial<Matchable>[], readonly Partial<Matchable>[]]>([
  ["a client", { clients: new Set([client]) }, [{}], [{ client: stranger }, { client: undefined }]],
  ["a delivery", { delivery: new Set([0]) }, [{}], [{ deliveryMethod: 1 }, { deliveryMethod: undefined }]],
  [
    "a payment, both ends included",
    { payment: { min: wei(10n), max: wei(12n) } },
    [{ payment: wei(10n) }, { payment: wei(12n) }],
    [{ payment: wei(9n) }, { payment: wei(13n) }, { payment: undefined }],
  ],
  ["a function", { functions: new Set(["sum"]) }, [{}], [{ functionName: "product" }, { functionName: undefined }]],
  ["a source", { sources: new Set([source]) }, [{}], [{ source: stranger as string as SourceAddress }]],
])(
  "takes a policy that is meant for %s for no other task, nor for one of which it is not known",
  (_, match, fit, others) => {
    for (const of of fit) expect([of, chosen(match, of)]).toEqual([of, true]);
    for (const of of others) expect([of, chosen(match, of)]).toEqual([of, false]);
  },
);

it("goes by what the task says, and takes nothing for a task whose function may be another policy's", () => {
  const sums = { name: "sums", spec: { match: { ...anything, functions: new Set(["sum"]) } } };
  const cheap = { name: "cheap", spec: { match: { ...anything, payment: { min: undefined, max: wei(10n) } } } };
  const chosenFor = (config: ReturnType<typeof outputOf>, payment = 10n) =>
    selectPolicy([sums, cheap], matchableOf(aTask({ payment: wei(payment) }), aSource(), config))?.name;
  expect(chosenFor(outputOf({ function_name: "sum" }))).toBe("sums");
  expect(chosenFor(outputOf({ function_name: "product" }))).toBe("cheap");
  expect(chosenFor(outputOf({ function_name: "product" }), 11n)).toBeUndefined();
  expect(chosenFor(invalidOutput("HTTP 503"))).toBeUndefined();
});
