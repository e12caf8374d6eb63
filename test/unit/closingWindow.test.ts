import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { judgeTask } from "../../src/judgeTask.ts";
import type { Output } from "../../src/payload/payloadPort.ts";
import { loadPolicies } from "../../src/policy/loadPolicies.ts";
import type { PolicySet } from "../../src/policy/policyPort.ts";
import type { Signals } from "../../src/policy/signals/signalsPort.ts";
import { type ResponseAddress, unixSeconds, wei } from "../../src/protocol/brand.ts";
import { address, aResponse, aSnapshot, fakeChain, headAt, source, task } from "../support/fakeChain.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { folderOf, invalidOutput, outputOf } from "./policy/support.ts";

let directory: string;
let journal: Journal;
beforeEach(async () => {
  directory = temporaryFolder("window-");
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
  await journal.intake({ tasks: [{ task, source }], responses: [], touched: [] });
});
afterEach(() => journal.close());

const policiesOf = (
  more: string,
  strategy = "cheapest",
  { eligible = "output.valid", signals }: { readonly eligible?: string; readonly signals?: Signals } = {},
): PolicySet => {
  const head = `apiVersion: ogpu-confirmd/v1\nname: a\nmode: enforce\nstrategy: ${strategy}\neligible: ${eligible}\n`;
  return loadPolicies(folderOf({ "a.yaml": `${head}${more}` }), signals && { signals });
};
const twoMinutes = () => policiesOf("window: { for: 2m }");

const responseAt = (number: number, submittedAt: number, price: number) =>
  aResponse({
    ...{ address: address<ResponseAddress>(number), data: String(number) },
    ...{ submittedAt: unixSeconds(submittedAt), payment: wei(BigInt(price)) },
  });
const dear = responseAt(0x31, 1_000, 49);
const cheap = responseAt(0x32, 1_001, 20);
const another = responseAt(0x33, 1_118, 90);
const late = responseAt(0x34, 1_121, 10);

const lost = {
  unasked: { ...invalidOutput("its host is slow, and busy with others", true), unasked: true },
  failing: invalidOutput("HTTP 503", true),
} as const satisfies Record<string, Output>;

/** A look at a second at which these responses are there, and these documents are not had. */
async function look(
  policies: PolicySet,
  second: number,
  responses: readonly ReturnType<typeof responseAt>[],
  missing: Output | undefined,
  whose: readonly ReturnType<typeof responseAt>[] = [cheap],
) {
  const seen = responses.map((each) => ({ response: each.address, task }));
  await journal.intake({ tasks: [], responses: seen, touched: [] });
  const isMissing = (data: string) => whose.some((each) => each.data === data);
  const { intent, againInMs } = await judgeTask(
    {
      chain: fakeChain({
        snapshot: async () => aSnapshot({ block: headAt(100n, { timestamp: unixSeconds(second) }), responses }),
      }),
      journal,
      isWatched: async () => true,
      payload: { fetch: async (data) => (missing && isMissing(data) ? missing : outputOf({ function_name: "f" })) },
      policies,
      clock: { now: () => second * 1_000, scheduler: undefined as never },
      report: () => undefined,
    },
    { maxPayment: wei(1_000n), dryRun: false },
    task,
  );
  return intent ? `pays ${intent.payment}` : `looks again in ${(againInMs ?? 0) / 1_000} s`;
}

describe.each(Object.entries(lost))(
  "a cheaper response whose document, %s, is not had when the window closes",
  (_, missing) => {
    it("is paid where its document comes with one of the tries", async () => {
      const policies = twoMinutes();
      expect(await look(policies, 1_000, [dear], undefined)).toBe("looks again in 120 s");
      expect(await look(policies, 1_001, [dear, cheap], undefined)).toBe("looks again in 119 s");
      expect(await look(policies, 1_120, [dear, cheap], missing)).toBe("looks again in 5 s");
      expect(await look(policies, 1_125, [dear, cheap], missing)).toBe("looks again in 10 s");
      expect(await look(policies, 1_135, [dear, cheap], undefined)).toBe("pays 20");
    });

    it("is waited for as often as a document is tried, however late that is, and then the other one is paid", async () => {
      const policies = twoMinutes();
      await look(policies, 1_001, [dear, cheap], undefined);
      expect(await look(policies, 3_000, [dear, cheap], missing)).toBe("looks again in 5 s");
      expect(await look(policies, 3_005, [dear, cheap], missing)).toBe("looks again in 10 s");
      expect(await look(policies, 3_015, [dear, cheap], missing)).toBe("looks again in 20 s");
      expect(await look(policies, 3_035, [dear, cheap], missing)).toBe("pays 49");
    });

    it("is waited for no longer than to the window's latest close", async () => {
      const policies = policiesOf("window: { for: 2m, latest: '1123' }");
      await look(policies, 1_001, [dear, cheap], undefined);
      expect(await look(policies, 1_120, [dear, cheap], missing)).toBe("looks again in 3 s");
      expect(await look(policies, 1_123, [dear, cheap], missing)).toBe("pays 49");
    });

    it("is not waited for where the policy tries nothing again", async () => {
      const policies = policiesOf("window: { for: 2m }\nretries: 0");
      await look(policies, 1_001, [dear, cheap], undefined);
      expect(await look(policies, 1_120, [dear, cheap], missing)).toBe("pays 49");
    });

    it("is waited for however many others come meanwhile", async () => {
      const policies = twoMinutes();
      await look(policies, 1_001, [dear, cheap], undefined);
      expect(await look(policies, 1_120, [dear, cheap], missing)).toBe("looks again in 5 s");
      expect(await look(policies, 1_121, [dear, cheap, late], missing, [cheap, late])).toBe("looks again in 4 s");
      expect(await look(policies, 1_125, [dear, cheap, late], missing, [late])).toBe("pays 20");
    });

    it("is waited for where it was not had shortly before, either", async () => {
      const policies = twoMinutes();
      await look(policies, 1_001, [dear, cheap], undefined);
      await look(policies, 1_118, [dear, cheap, another], missing);
      expect(await look(policies, 1_120, [dear, cheap, another], missing)).toMatch(/^looks again in [35] s$/);
      expect(await look(policies, 1_125, [dear, cheap, another], undefined)).toBe("pays 20");
    });
  },
);

describe("a response whose document has never come when the window closes", () => {
  it("is waited for where nobody was asked for it", async () => {
    const policies = twoMinutes();
    await look(policies, 1_001, [dear, cheap], lost.unasked);
    expect(await look(policies, 1_120, [dear, cheap], lost.unasked)).toBe("looks again in 5 s");
    expect(await look(policies, 1_122, [dear, cheap], lost.unasked)).toBe("looks again in 3 s");
    expect(await look(policies, 1_125, [dear, cheap], undefined)).toBe("pays 20");
  });

  it("is waited for where nobody was asked for it, also when another one comes meanwhile", async () => {
    const policies = twoMinutes();
    await look(policies, 1_001, [dear, cheap], lost.unasked);
    expect(await look(policies, 1_120, [dear, cheap], lost.unasked)).toBe("looks again in 5 s");
    const dearer = responseAt(0x36, 1_121, 90);
    expect(await look(policies, 1_122, [dear, cheap, dearer], lost.unasked)).toBe("looks again in 3 s");
    expect(await look(policies, 1_125, [dear, cheap, dearer], undefined)).toBe("pays 20");
  });

  it("is waited for where its judge has no room within the hour, whatever looks or responses come in between", async () => {
    let hasRoom = false;
    const ask: Signals["ask"] = async (_judge, { response }) =>
      hasRoom || response.address !== cheap.address
        ? { ok: true, answer: true }
        : { ok: false, error: "no room", againInMs: 1_800_000 };
    const judges = "signals: { good: { url: 'https://judge.example/' } }\nwindow: { for: 2m }";
    const policies = policiesOf(judges, "cheapest", { eligible: "output.valid && signals.good", signals: { ask } });
    await look(policies, 1_001, [dear, cheap], undefined);
    expect(await look(policies, 1_120, [dear, cheap], undefined)).toBe("looks again in 5 s");
    expect(await look(policies, 1_122, [dear, cheap], undefined)).toBe("looks again in 3 s");
    const dearer = responseAt(0x36, 1_121, 90);
    expect(await look(policies, 1_123, [dear, cheap, dearer], undefined)).toBe("looks again in 2 s");
    hasRoom = true;
    expect(await look(policies, 1_125, [dear, cheap, dearer], undefined)).toBe("pays 20");
  });

  it("holds up nobody where its host was asked", async () => {
    const policies = twoMinutes();
    await look(policies, 1_001, [dear, cheap], lost.failing);
    expect(await look(policies, 1_120, [dear, cheap], lost.failing)).toBe("pays 49");
  });

  it("is waited for where it was submitted in the very second of the close", async () => {
    const policies = twoMinutes();
    const last = responseAt(0x35, 1_120, 10);
    await look(policies, 1_000, [dear], undefined);
    expect(await look(policies, 1_121, [dear, last], lost.unasked, [last])).toBe("looks again in 5 s");
    expect(await look(policies, 1_126, [dear, last], undefined)).toBe("pays 10");
  });

  it("holds up nobody where it was submitted after the close", async () => {
    const policies = twoMinutes();
    await look(policies, 1_000, [dear], undefined);
    expect(await look(policies, 1_121, [dear, late], lost.unasked, [late])).toBe("pays 49");
  });

  it("holds up nobody where the first that is eligible is paid", async () => {
    const policies = policiesOf("", "first");
    expect(await look(policies, 1_001, [dear, cheap], lost.unasked, [dear])).toBe("pays 20");
  });
});

it("a window that an edited policy makes shorter closes by that policy, though the one before had told to wait", async () => {
  expect(await look(twoMinutes(), 1_001, [dear, cheap], undefined)).toBe("looks again in 119 s");
  expect(await look(policiesOf("window: { for: 3s }"), 1_002, [dear, cheap], undefined)).toBe("looks again in 1 s");
  expect(await look(policiesOf("window: { for: 3s }"), 1_003, [dear, cheap], undefined)).toBe("pays 20");
});
