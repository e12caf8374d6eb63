/** Of an error: whether the payload is at fault, something else, or one of both. Which of two is told is not written. */
export type Fault = "payload" | "other" | "either";
export type Truth = boolean | Fault;

export type Offer = {
  readonly id: number;
  /** Wei. */
  readonly price: bigint;
  readonly at: number;
  /** 0: none. */
  readonly master: number;
  readonly lockup: bigint | undefined;
  readonly body: string;
  /** The body as JSON; `undefined` where it is none. */
  readonly json: unknown;
  /** Nothing came: for now, or for good. */
  readonly lost: "now" | "for good" | undefined;
  readonly waits: number;
  readonly isTooDear: boolean;
};

export type Look = {
  readonly now: number;
  readonly expiry: number;
  readonly published: number | undefined;
  readonly payment: bigint;
  readonly config: unknown;
  readonly isLeftToPerson: boolean;
  /** In the chain's order. */
  readonly offers: readonly Offer[];
};

/** An expression: as a file has it, and what it comes to. */
export type Part<T> = { readonly text: string; readonly of: (offer: Offer, look: Look) => T };

export type Rules = {
  readonly strategy: "first" | "cheapest" | "best" | "quorum" | "manual";
  readonly eligible: Part<Truth>;
  readonly perTask: bigint | undefined;
  /** `undefined` is what has no order. */
  readonly score: Part<number | bigint | Fault | undefined>;
  readonly ties: "earliest" | "cheapest" | "hold";
  readonly count: number;
  /** A field of the payload. */
  readonly key: string;
  readonly within: number | undefined;
  readonly pick: "first" | "cheapest";
  readonly without: "hold" | "first" | "cheapest";
  readonly decide: "reached" | "closed";
  readonly window: { readonly from: string; readonly seconds: number; readonly beforeExpiry: number } | undefined;
};

/** `unpaid` is a rejection or a hold. */
type Kind = "confirm" | "reject" | "hold" | "wait" | "unpaid";

/**
 * What `policies/README.md` and `docs/policies.md` say of each offer, by its id: written a second time, naively, with nothing of
 * the program's own. Nothing is said of those that another one is paid instead of.
 */
export function verdicts(rules: Rules, look: Look): Readonly<Record<number, Kind>> {
  const { now, expiry, offers, isLeftToPerson } = look;
  const said: Record<number, Kind> = {};
  const say = (kind: Kind, of: readonly Offer[]) => {
    for (const { id } of of) said[id] = kind;
    return said;
  };
  if (now >= expiry) return say("hold", offers);
  const eligible: Offer[] = [];
  for (const offer of offers) {
    const kind = judgedAlone(rules, look, offer);
    if (kind === undefined) eligible.push(offer);
    else said[offer.id] = kind;
    if (kind === undefined && rules.strategy === "first" && !isLeftToPerson) return say("confirm", [offer]);
  }
  if (eligible.length === 0) return said;
  if (isLeftToPerson) return say("hold", eligible);
  const choice = compared(rules, look, eligible);
  return typeof choice === "string" ? say(choice, eligible) : say("confirm", choice.slice(0, 1));
}

/** What is said of one offer whatever the others are; `undefined`: it is eligible. */
function judgedAlone(rules: Rules, look: Look, offer: Offer): Kind | undefined {
  const { strategy, perTask, eligible, score, key } = rules;
  if (offer.price > look.payment || (perTask !== undefined && offer.price > perTask)) return "reject";
  const ranked = strategy === "best" ? score.text : strategy === "quorum" ? accessTo(key) : "";
  const reads = (fact: string) => `${eligible.text} ${ranked}`.includes(fact);
  if (offer.lost === "now" && (reads("output.") || strategy === "manual")) {
    return offer.waits < 3 && look.now < look.expiry - 1 ? "wait" : "hold";
  }
  if (offer.lost === "for good" && reads("output.")) return "reject";
  if (offer.json === undefined && reads("output.json")) return "reject";
  if (offer.body === "" && reads("output.text")) return "reject";
  const truth = eligible.of(offer, look);
  if (truth !== true) return verdictOn(truth);
  if (strategy === "quorum" && keyOf(fieldOf(offer.json, key)?.value) === undefined) return "reject";
  const worth = strategy === "best" ? score.of(offer, look) : 0;
  return typeof worth === "number" || typeof worth === "bigint" ? undefined : verdictOn(worth ?? "payload");
}

const verdictOn = (truth: false | Fault): Kind =>
  truth === "either" ? "unpaid" : truth === "other" ? "hold" : "reject";

/** Whom of the eligible to pay, the first of a list, or what to say of them all. */
function compared(rules: Rules, look: Look, eligible: readonly Offer[]): "wait" | "hold" | readonly Offer[] {
  const { strategy, ties, score } = rules;
  const isClosed = look.now >= closeOf(rules, look, eligible);
  if (strategy === "quorum") return byVotes(rules, eligible, isClosed);
  if (!isClosed) return "wait";
  if (strategy === "manual") return "hold";
  const worth = (offer: Offer) => score.of(offer, look) as number | bigint;
  const equals =
    strategy === "cheapest"
      ? cheapestOf(eligible)
      : eligible.filter((each) => eligible.every((other) => worth(each) >= worth(other)));
  if (equals.length > 1 && ties === "hold") return "hold";
  return ties === "cheapest" ? cheapestOf(equals) : equals;
}

function byVotes({ key, within, count, pick, without, decide }: Rules, eligible: readonly Offer[], isClosed: boolean) {
  if (decide === "closed" && !isClosed) return "wait";
  const groups = Map.groupBy(eligible, ({ json }) => keyOf(fieldOf(json, key)?.value));
  const answers = [...groups.values()].map((group) => agreeing(group, within));
  const most = Math.max(...answers.map(mastersOf));
  if (most < count) {
    if (!isClosed) return "wait";
    return without === "hold" ? without : without === "first" ? eligible : cheapestOf(eligible);
  }
  const [answer = [], ...others] = answers.filter((each) => mastersOf(each) === most);
  if (others.length > 0) return "hold";
  const payable = answer.filter(({ isTooDear }) => !isTooDear);
  if (payable.length === 0) return isClosed ? "hold" : "wait";
  return pick === "first" ? payable : cheapestOf(payable);
}

const cheapestOf = (offers: readonly Offer[]) =>
  offers.filter(({ price }) => offers.every((other) => price <= other.price));

const mastersOf = (offers: readonly Offer[]) => new Set(offers.map(({ master }) => master).filter(Boolean)).size;

/** Those of a group that came so close together that the most masters are among them. */
function agreeing(group: readonly Offer[], within = Number.POSITIVE_INFINITY): readonly Offer[] {
  const stretches = group.map(({ at }) => group.filter((other) => other.at >= at && other.at <= at + within));
  const most = Math.max(...stretches.map(mastersOf));
  return stretches.find((each) => mastersOf(each) === most) ?? [];
}

function closeOf({ window, strategy }: Rules, look: Look, eligible: readonly Offer[]): number {
  if (window === undefined && strategy === "manual") return look.now;
  const { from, seconds, beforeExpiry } = window ?? { from: "firstEligible", seconds: 120, beforeExpiry: 600 };
  const first = (offers: readonly Offer[]) => Math.min(...offers.map(({ at }) => at));
  const opens = from === "published" ? (look.published ?? first(look.offers)) : first(eligible);
  return Math.min(opens + seconds, look.expiry - beforeExpiry, look.expiry - 1);
}

/** Equal for equal values, and `undefined` for what has none. */
function keyOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== "object") return JSON.stringify(value);
  const parts = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => [name, keyOf(each)]);
  return parts.some(([, each]) => each === undefined) ? undefined : JSON.stringify([Array.isArray(value), parts]);
}

/** How an expression names a field of the payload. */
export const accessTo = (field: string) =>
  /^[a-z]+$/i.test(field) ? `output.json.${field}` : `output.json["${field}"]`;

/** A field that a document has of its own. */
export const fieldOf = (json: unknown, field: string): { readonly value: unknown } | undefined =>
  typeof json === "object" && json !== null && !Array.isArray(json) && Object.hasOwn(json, field)
    ? { value: (json as Readonly<Record<string, unknown>>)[field] }
    : undefined;
