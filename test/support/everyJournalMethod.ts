import type { Decision, Journal } from "../../src/journal/journal.ts";
import type { GasSpent, MoneySpent } from "../../src/journal/sinkJournal.ts";
import {
  type AccountAddress,
  type ResponseAddress,
  type TaskAddress,
  toNonce,
  unixSeconds,
  wei,
} from "../../src/protocol/brand.ts";
import { address, hashOf, source } from "./fakeChain.ts";

const [one, two, three, four, five] = [0xa1, 0xa2, 0xa3, 0xa4, 0xa5].map((digits) => address<TaskAddress>(digits)) as [
  TaskAddress,
  TaskAddress,
  TaskAddress,
  TaskAddress,
  TaskAddress,
];
const [first, second, third, fifth] = [0xb1, 0xb2, 0xb3, 0xb5].map((digits) => address<ResponseAddress>(digits)) as [
  ResponseAddress,
  ResponseAddress,
  ResponseAddress,
  ResponseAddress,
];
const provider = address<AccountAddress>(0xc1);
const signer = address<AccountAddress>(0xd1);
const big = wei(2n ** 80n);

const decision = (changes: Partial<Decision>): Decision => ({
  ...{ task: one, response: first, kind: "confirm", reason: "eligible", until: undefined, policy: "p" },
  ...{ policyDigest: "d", mode: "enforce", block: { number: 7n, hash: hashOf(7) }, payloadDigest: "e" },
  ...{ payment: big, offered: wei(2n ** 81n), responseDigest: "r", provider, facts: { digest: "f", json: '{"a":1}' } },
  ...changes,
});
const attempt = (nonce: number, hash: number) =>
  ({
    kind: "confirm",
    hash: hashOf(hash),
    raw: "0x02ab",
    nonce: toNonce(nonce),
    signedAt: 100 + nonce,
    maxCost: big,
  }) as const;
const block = (number: bigint) => ({ number, hash: hashOf(Number(number)) });

/** A method of the journal with its arguments. */
export type JournalCall = readonly [keyof Journal, ...unknown[]];

/** Every method but those that are about the file itself, each with what the one before left. */
export const everyMethod: readonly JournalCall[] = [
  ["cursor"],
  [
    "intake",
    {
      tasks: [
        { task: one, source, block: 5n },
        { task: two, source, block: 6n },
        { task: three, source },
        { task: four, source, block: 9n },
        { task: five, source, block: 7n },
      ],
      responses: [
        { response: first, task: one, block: 6n },
        { response: second, task: two, block: 6n },
        { response: third, task: three },
        { response: fifth, task: five },
      ],
      touched: [two],
      cursor: block(9n),
      blocks: { read: [block(7n), block(8n), block(9n)], forgotten: [7n] },
    },
  ],
  ["intake", { tasks: [{ task: three, source }], responses: [], touched: [], audited: block(3n) }],
  ["cursor"],
  ["audited"],
  ["recentBlocks"],
  ["knownTasks", [two, address<TaskAddress>(0xee), one]],
  ["tasksOfResponses", [third, address<ResponseAddress>(0xef), first]],
  ["openTasks", undefined, 3],
  ["openTasks", two, 10],
  ["untold", { tasks: [one, three], responses: [first, third] }],
  ["task", one],
  ["task", address<TaskAddress>(0xee)],
  ["glance", one],
  ["glance", four],
  ["glance", address<TaskAddress>(0xee)],
  ["decide", [decision({})], 50],
  ["glance", one],
  [
    "decide",
    [
      decision({ task: two, response: second, kind: "hold", reason: "a person must look" }),
      decision({ task: three, response: third, kind: "wait", until: unixSeconds(99), waitsFor: "document" }),
    ],
    52,
  ],
  ["decide", [decision({ task: three, response: third, kind: "wait", waitsFor: "window" })], 53],
  ["held"],
  ["answerHeld", { verdictId: 2, kind: "approve", who: "ann", why: "fine" }, 54],
  ["answerHeld", { verdictId: 2, kind: "reject", who: "bob", why: "again" }, 55],
  ["answeredTasks"],
  ["task", two],
  ["decide", [decision({ task: two, response: second, answers: 2, provider: undefined })], 56],
  ["answeredTasks"],
  ["task", three],
  ["unsettled"],
  ["takeLease", signer, "a daemon", 0, 30],
  ["takeLease", signer, "another", 10, 30],
  ["renewLease", { signer, token: 1 }, 80],
  ["renewLease", { signer, token: 7 }, 90],
  ["leases"],
  ["recordByHand", decision({ task: five, response: fifth }), signer, attempt(7, 0x47), 56, [{ signer, token: 1 }]],
  ["task", five],
  ["decide", [decision({ task: three, response: third })], 57],
  ["approvals"],
  ["withdraw", [4], "withdrawn by ann: no"],
  ["setPause", { by: "operator", who: "ann", why: "a bad policy", at: 57 }],
  ["withdraw", [3, 4, 99], "withdrawn by ann: no"],
  ["withdraw", [4], "withdrawn by bob: again"],
  ["task", three],
  ["endPause", { who: "ann", why: "the old one is back", at: 58 }],
  ["confirmation", 4],
  ["recordAttempt", 4, signer, attempt(9, 0x49), [{ signer, token: 1 }]],
  ["approvals"],
  // A task that has one takes no second confirmation. A server leaves a number out for it, so it is the last.
  ["decide", [decision({ response: second })], 57],
  ["recordAttempt", 1, signer, attempt(4, 0x41)],
  ["recordAttempt", 1, signer, attempt(4, 0x41), [{ signer, token: 1 }]],
  // Refused whole: held by another one, without the key's fence, in a nonce that is taken.
  ["recordByHand", decision({ task: five, response: fifth }), signer, attempt(7, 0x48), 58, [{ signer, token: 1 }]],
  ["recordByHand", decision({ task: four }), signer, attempt(8, 0x48), 58],
  ["recordByHand", decision({ task: four }), signer, attempt(4, 0x48), 58, [{ signer, token: 1 }]],
  ["task", five],
  ["task", four],
  ["recordAttempt", 1, signer, attempt(5, 0x42), [{ signer, token: 1 }]],
  ["recordAttempts", [{ confirmationId: 2, signer, attempt: attempt(4, 0x43) }], [{ signer, token: 1 }]],
  [
    "recordAttempts",
    [
      { confirmationId: 2, signer, attempt: attempt(6, 0x44), reason: "given up" },
      { confirmationId: 1, signer, attempt: { ...attempt(4, 0x45), maxCost: wei(5n) } },
    ],
    [{ signer, token: 1 }],
  ],
  ["confirmation", 1],
  ["confirmation", 99],
  ["confirmations", [2, 1]],
  ["confirmations", [1, 99]],
  ["highestNonce", signer],
  ["highestNonce", provider],
  ["markBroadcast", [1, 2, 99], [{ signer, token: 1 }]],
  [
    "changeConfirmations",
    [
      { id: 1, change: { state: "mined", mined: { hash: hashOf(0x41), blockNumber: 12n } } },
      { id: 2, change: { state: "signed", reason: "again" } },
    ],
    [{ signer, token: 1 }],
  ],
  ["changeConfirmation", 1, { state: "rejected" }, [{ signer, token: 1 }]],
  [
    "changeConfirmation",
    1,
    {
      state: "final",
      mined: { hash: hashOf(0x41), blockNumber: 12n },
      gasPaid: { signer, nonce: toNonce(4), cost: wei(77n) },
      outcome: {
        reverted: true,
        pauseAt: (reverts: number) => ({ by: "reverts", who: "", why: `after ${reverts}`, at: 59 }),
      },
    },
    [{ signer, token: 1 }],
  ],
  ["changeConfirmation", 1, { state: "intended" }, [{ signer, token: 1 }]],
  [
    "recordFiller",
    signer,
    { hash: hashOf(0x51), raw: "0x02", nonce: toNonce(5), signedAt: 1 },
    wei(9n),
    [{ signer, token: 1 }],
  ],
  [
    "recordFiller",
    signer,
    { hash: hashOf(0x50), raw: "0x02", nonce: toNonce(5), signedAt: 1 },
    wei(12n),
    [{ signer, token: 1 }],
  ],
  [
    "recordFiller",
    signer,
    { hash: hashOf(0x52), raw: "0x02", nonce: toNonce(5), signedAt: 1 + 24 * 3_600_000 },
    wei(3n),
    [{ signer, token: 1 }],
  ],
  ["fillers", signer, toNonce(0)],
  ["moneySpent", { since: 0, after: undefined, limit: 2 }],
  ["moneySpent", { since: 0, after: { at: 0, confirmationId: 1 } as MoneySpent, limit: 2 }],
  ["gasSpent", { since: 0, after: undefined, limit: 2 }],
  ["gasSpent", { since: 0, after: { at: 1, signer, nonce: toNonce(4) } as GasSpent, limit: 2 }],
  ["payments", 10, 10],
  ["payees", [1, 2, 99]],
  ["providerHistory", [provider, signer]],
  ["decision", 1],
  ["decision", 99],
  ["decisionOf", first],
  ["decisionOf", address<ResponseAddress>(0xee)],
  ["decisionsOfTask", one, 1],
  ["decisions", 51],
  ["decisions", 0, true],
  ["pause"],
  ["setPause", { by: "reverts", who: "", why: "three in a row", at: 60 }],
  ["pause"],
  ["endPause", { who: "ann", why: "mended", at: 61 }],
  ["endPause", { who: "ann", why: "mended", at: 62 }],
  ["pauseHistory", 5],
  ["figures"],
  ["paid", 0],
  ["digest", 0, 1_000],
  ["settleTask", four, "ignored", "not ours", 9n],
  ["noteSettled", 200],
  ["intake", { tasks: [], responses: [], touched: [], rewindTo: 8n, cursor: block(8n) }],
  ["task", four],
  ["noteSettled", 201],
  ["prune", { settledBefore: 10_000, now: 10_001, limit: 10 }],
  ["settleTask", three, "closed", "expired", 4n],
  ["settledTasks", { upTo: 3n, beyond: 100n, after: undefined }, 10],
  ["settledTasks", { upTo: 4n, beyond: 100n, after: undefined }, 10],
  ["settledTasks", { upTo: 4n, beyond: 100n, after: { task: three, block: 4n } }, 10],
  ["settleTask", four, "closed", "expired", 1_000n],
  // What a confirmation holds is its own.
  ["settleTask", five, "closed", "expired", 3n],
  ["settledTasks", { upTo: 3n, beyond: 100n, after: undefined }, 10],
  [
    "settleFinally",
    {
      over: [],
      notOver: [
        { task: five, block: 3n },
        { task: four, block: 999n },
      ],
    },
  ],
  ["settleFinally", { over: [{ task: three, block: 4n }], notOver: [{ task: four, block: 1_000n }] }],
  ["settledTasks", { upTo: 2_000n, beyond: 2_000n, after: undefined }, 10],
  ["task", four],
  ["task", five],
  ["task", three],
  ["noteSettled", 300],
  ["prune", { settledBefore: 10_000, now: 10_002, limit: 10 }],
  ["providerHistory", [provider]],
  ["task", three],
  ["identity", "0a1b2c3d"],
  ["identity", "ffffffff"],
  ["touch", 5],
  ["releaseLease", { signer, token: 1 }],
  ["leases"],
];

/** What a call answers, or why it is refused. */
export async function answerOf(journal: Journal, [method, ...args]: JournalCall): Promise<unknown> {
  try {
    return await (journal[method] as (...given: unknown[]) => Promise<unknown>)(...args);
  } catch (error) {
    return { refused: (error as Error).message.replace(/^.*constraint.*$/i, "a constraint") };
  }
}
