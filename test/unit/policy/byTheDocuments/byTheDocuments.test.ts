import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBody } from "../../../../src/payload/decodeBody.ts";
import { loadPolicies } from "../../../../src/policy/loadPolicies.ts";
import type { Candidate, Verdict } from "../../../../src/policy/policyPort.ts";
import { toAddress, unixSeconds, wei } from "../../../../src/protocol/brand.ts";
import { candidateOf, folderOf, invalidOutput, outputOf, responseOf } from "../support.ts";
import { comparisons, conditions, fileOf, look } from "./chance.ts";
import { type Look, type Offer, verdicts } from "./verdicts.ts";

const nth = (number: number) => toAddress(`0x${String(number).padStart(40, "0")}`) as never;

const outputFrom = ({ lost, body }: Pick<Offer, "lost" | "body">) =>
  lost ? invalidOutput("gone", lost === "now") : decodeBody(Buffer.from(body));

function candidateFrom({ now, expiry, published, payment, config, isLeftToPerson, offers }: Look): Candidate {
  const responses = offers.map(({ id, price, at, master, lockup, waits, isTooDear, ...payload }) =>
    responseOf(1, {
      response: { address: nth(id), payment: wei(price), submittedAt: unixSeconds(at) },
      output: outputFrom(payload),
      provider: { master: nth(master), ...(lockup !== undefined && { lockup: wei(lockup) }) },
      ...{ waits, isTooDear },
    }),
  );
  return candidateOf(responses, {
    task: { payment: wei(payment), expiryTime: unixSeconds(expiry) },
    now: unixSeconds(now),
    config: outputOf(config),
    publishedAt: published === undefined ? undefined : unixSeconds(published),
    isLeftToPerson,
  });
}

/** Whether a body is JSON, and which, is not what is tried here. */
const looks = fc.array(
  look.map(({ after, drafts, ...more }): Look => {
    const offers = drafts.map((each, index) => {
      const { valid, json } = outputFrom(each);
      return { ...each, id: index + 1, json: valid ? json : undefined };
    });
    return { ...more, offers, now: (drafts[0]?.at ?? 0) + after };
  }),
  { minLength: 7, maxLength: 7 },
);

function shown({ offers, ...more }: Look, said: readonly Verdict[]): string {
  const all = [more, ...offers.map(({ json: _, ...each }) => each), ...said.map(({ facts: _, ...each }) => each)];
  return all
    .map((line) => JSON.stringify(line, (_, each) => (typeof each === "bigint" ? `${each}` : each)).slice(0, 500))
    .join("\n");
}

test.each([
  ["whatever comes, those are paid whom the documents say", comparisons, 150],
  ["whatever a condition says of what comes, it is what the documents say", conditions, 60],
])("%s", async (_what, rules, numRuns) => {
  const cases = fc.sample(fc.tuple(rules, looks), { seed: 1, numRuns });
  const files = cases.map(([each], index) => fileOf(`p${index}`, each));
  const { policies } = loadPolicies(folderOf({ "a.yaml": files.join("\n---\n") }));
  for (const [index, [written, all]] of cases.entries()) {
    for (const seen of all) {
      const said = (await policies[index]?.judge(candidateFrom(seen))) ?? [];
      const wanted = verdicts(written, seen);
      const found = said.map(({ response, kind }) => {
        const id = Number(response);
        return [id, wanted[id] === "unpaid" && (kind === "reject" || kind === "hold") ? "unpaid" : kind];
      });
      expect(Object.fromEntries(found), `${files[index]}\n${shown(seen, said)}`).toEqual(wanted);
    }
  }
});
