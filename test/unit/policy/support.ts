import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Output } from "../../../src/payload/payloadPort.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import type { Candidate, CandidateResponse, Policy, Verdict } from "../../../src/policy/policyPort.ts";
import type { PolicyError, PolicyProblem } from "../../../src/policy/problems.ts";
import { toAddress, unixSeconds, wei } from "../../../src/protocol/brand.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

/** Writes files into a folder that lives as long as the test. */
export function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder("policies-");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** The problems that loading these files reports; none where they load. */
export function problemsOf(files: Readonly<Record<string, string>>): readonly PolicyProblem[] {
  try {
    loadPolicies(folderOf(files));
    return [];
  } catch (error) {
    return (error as PolicyError).problems;
  }
}

export const policyText = (eligible: string, more = "") =>
  `apiVersion: ogpu-confirmd/v1\nname: a\nstrategy: first\neligible: ${JSON.stringify(eligible)}\n${more}`;

export function policyOf(eligible: string, more = "", files: Readonly<Record<string, string>> = {}): Policy {
  const [policy] = loadPolicies(folderOf({ "a.yaml": policyText(eligible, more), ...files })).policies;
  if (!policy) throw new Error("no policy");
  return policy;
}

export const ogpu = (tenths: number) => wei(BigInt(tenths) * 10n ** 17n);
export const provider = "0x2b0cC6058313801D5feb184a539e3a0C5A87a6a1";
const address = (digit: number) => toAddress(`0x${String(digit).repeat(40)}`) as never;

export function outputOf(json: unknown): Output {
  const text = JSON.stringify(json);
  return { valid: true, json, text, bytes: text.length, cidVerified: false, error: "", transient: false, digest: "d" };
}

export const invalidOutput = (error: string, transient = false): Output => {
  return { valid: false, json: null, text: "", bytes: 0, cidVerified: false, error, transient, digest: "" };
};

type ResponseParts = Partial<Omit<CandidateResponse, "response">> & { readonly response?: object };

/** Response number `id` (1 to 9), submitted at second 100 + id for 0.5 OGPU. */
export function responseOf(id: number, { response, ...item }: ResponseParts = {}): CandidateResponse {
  return {
    response: {
      address: address(id),
      task: address(0),
      provider: toAddress(provider),
      data: "",
      payment: ogpu(5),
      status: 0,
      submittedAt: unixSeconds(100 + id),
      ...response,
    },
    output: outputOf({ label: "positive", confidence: 1, count: 3 }),
    waits: 0,
    ...item,
  };
}

/** A task that pays 10 OGPU, at second 1,000 of 2,000. */
export function candidateOf(
  responses: readonly CandidateResponse[] = [responseOf(1)],
  { task, ...more }: Partial<Omit<Candidate, "task">> & { readonly task?: object } = {},
): Candidate {
  const base = { address: address(0), source: address(9), payment: ogpu(100) };
  return {
    now: unixSeconds(1000),
    task: { ...base, config: "{}", expiryTime: unixSeconds(2000), deliveryMethod: 0, status: 2, ...task },
    source: {
      address: address(9),
      client: address(8),
      status: 0,
      deliveryMethod: 0,
      minPayment: ogpu(1),
      minAvailableLockup: wei(0n),
      maxExpiryDuration: 3600,
    },
    config: outputOf({ function_name: "analyze_sentiment", data: "…" }),
    responses,
    ...more,
  };
}

/** Each verdict as `id kind: reason`. */
export async function verdictsOf(policy: Policy, candidate: Candidate): Promise<readonly string[]> {
  const verdicts: readonly Verdict[] = await policy.judge(candidate);
  return verdicts.map(({ response, kind, reason }) => `${response[2]} ${kind}: ${reason}`);
}
