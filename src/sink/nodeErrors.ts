/** What a node's refusal of a transaction means, by what to do about it. */
export const answerClasses = [
  "accepted",
  "reverted",
  "nonce-taken",
  "gap",
  "slot-held",
  "fee-too-low",
  "no-funds",
  "fee-cap",
  "busy",
  "hopeless",
  "perhaps-sent",
] as const;

export type AnswerClass = (typeof answerClasses)[number];

/** An operator's word on what a text means that a node answers. */
export type AnswerRule = {
  readonly class: AnswerClass;
  /** Compared without regard to case. */
  readonly contains: string;
};

type Pattern = string | RegExp;

/**
 * Texts of geth, erigon, nethermind, besu, reth, anvil and go-opera, tried in this order on the lower-cased answer. The order
 * matters: `replacement transaction underpriced` holds `underpriced`, and `unknown transaction` holds a known one.
 */
const table: readonly (readonly [AnswerClass, readonly Pattern[]])[] = [
  ["reverted", ["execution reverted"]],
  [
    "accepted",
    [
      "already known",
      /(?<!un)known transaction/,
      /existing txn? with same hash/,
      "alreadyknown",
      "ownnoncealreadyused",
      "already imported",
    ],
  ],
  ["nonce-taken", ["nonce too low", "oldnonce", "invalid transaction nonce"]],
  [
    "gap",
    [
      "nonce too high",
      "noncegap",
      "nonce too far in future",
      "too distant from current sender nonce",
      "lower nonce exists",
      "noncetoofarinfuture",
      "gapped-nonce",
      "delegation nonce gap",
    ],
  ],
  [
    "slot-held",
    [
      "replacement transaction underpriced",
      "could not replace existing tx",
      "insufficient gas price to replace",
      "replacementnotallowed",
      "future transaction tries to replace pending",
    ],
  ],
  [
    "fee-too-low",
    ["underpriced", "gas price below", "less than block base fee", "feetoolow", "fee too low", "priority fee below"],
  ],
  ["no-funds", ["insufficient funds", "insufficientfunds", "upfront cost exceeds", "gas required exceeds allowance"]],
  ["fee-cap", ["exceeds the configured cap", "fee cap exceeded"]],
  [
    "busy",
    [
      "txpool is full",
      "account limit exceeded",
      "sub-pool is full",
      "in-flight transaction limit",
      "already reserved",
      "transaction type conflict",
      "has pending transaction",
      "spammer",
      "node is syncing",
      "sync is still in progress",
      "transaction pool not enabled",
    ],
  ],
  [
    "hopeless",
    [
      "intrinsic gas",
      "intrinsicgas",
      "floor data",
      "block gas limit",
      "gas limit reached",
      /gas limit (?:is )?too high/,
      "gaslimitexceeded",
      "max transaction gas limit",
      "gas uint64 overflow",
      "gasuintoverflow",
      "priority fee per gas higher than max",
      "priority fee per gas exceeds max",
      "oversized data",
      "transaction too large",
      "rlptoolong",
      "invalid sender",
      "recover sender",
      "failedtoresolvesender",
      /sender (?:is )?not an eoa/,
      /invalid (?:transaction )?signature/,
      "invalidtxsignature",
      "chain id",
      "chainid",
      "signed for another chain",
    ],
  ],
];

/**
 * Classes a node's refusal. Whatever is not known, a transport error above all, means "perhaps sent": its nonce is not
 * free again until something was mined in it.
 *
 * @param rules Tried before what is known.
 */
export function classifyAnswer(message: string, rules: readonly AnswerRule[] = []): AnswerClass {
  const text = message.toLowerCase();
  const rule = rules.find(({ contains }) => text.includes(contains.toLowerCase()));
  if (rule) return rule.class;
  const matches = (pattern: Pattern) => (typeof pattern === "string" ? text.includes(pattern) : pattern.test(text));
  return table.find(([, patterns]) => patterns.some(matches))?.[0] ?? "perhaps-sent";
}
