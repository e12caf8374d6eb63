import { expect, test } from "vitest";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import { refuseFirstResponse } from "../../../src/policy/refuseFirstResponse.ts";
import { DeliveryMethod } from "../../../src/protocol/statuses.ts";
import { aSource } from "../../support/fakeChain.ts";
import { folderOf, policyText } from "./support.ts";

const one = `0x${"1".repeat(40)}`;
const two = `0x${"2".repeat(40)}`;
const quick = aSource({ deliveryMethod: DeliveryMethod.FIRST_RESPONSE });
const check = (sources: string, readSource: (address: string) => Promise<ReturnType<typeof aSource> | undefined>) => {
  const text = policyText("output.valid", `match: { sources: [${sources}] }`);
  return refuseFirstResponse(loadPolicies(folderOf({ "a.yaml": text })), readSource);
};

test("a policy all of whose sources are FIRST_RESPONSE is refused; one that has another is not", async () => {
  await expect(check(`"${one}", "${two}"`, async () => quick)).rejects.toThrow(/a\.yaml:1:1: every source of a is/);
  await expect(
    check(`"${one}", "${two}"`, async (each) => (each === one ? quick : aSource())),
  ).resolves.toBeUndefined();
});

test("a source that cannot be read now refuses nothing", async () => {
  await expect(check(`"${one}"`, async () => undefined)).resolves.toBeUndefined();
  await expect(check(`"${one}"`, () => Promise.reject(new Error("down")))).resolves.toBeUndefined();
});
