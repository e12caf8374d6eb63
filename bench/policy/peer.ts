import { Engine } from "json-rules-engine";
import type { FactsJson } from "../../src/policy/factsJson.ts";
import { labels } from "./tasks.ts";

/** json-rules-engine with the same rules, in this thread: it has no other. Amounts need an operator, or lose digits. */
export function createPeer() {
  const price = { fact: "response", path: "$.payment", operator: "atMostWei", value: { fact: "most" } };
  const label = { fact: "output", path: "$.json.label", operator: "in", value: [...labels] };
  const valid = { fact: "output", path: "$.valid", operator: "equal", value: true };
  const simple = engineOf([valid, label, price]);
  const schema = engineOf([
    ...[valid, label, price],
    { fact: "output", path: "$.json.confidence", operator: "greaterThanInclusive", value: 0 },
    { fact: "output", path: "$.json.confidence", operator: "lessThanInclusive", value: 1 },
    { fact: "output", path: "$.json.text.length", operator: "greaterThanInclusive", value: 100 },
    { fact: "output", path: "$.json.text.length", operator: "lessThanInclusive", value: 1_000 },
  ]);
  const isEligible = async (engine: Engine, { response, output, task }: FactsJson): Promise<boolean> => {
    const most = String((BigInt(task.payment) * 90n) / 100n);
    return (await engine.run({ response, output, most })).events.length > 0;
  };
  const first = (engine: Engine) => async (facts: readonly FactsJson[]) => {
    for (const each of facts) if (await isEligible(engine, each)) return each.response.address;
    return undefined;
  };
  return { simple: first(simple), schema: first(schema), quorum: quorumBy(simple, isEligible) };
}

/** What its user writes around it for a quorum: the largest group of equal labels, and its cheapest. */
const quorumBy =
  (engine: Engine, isEligible: (engine: Engine, facts: FactsJson) => Promise<boolean>) =>
  async (facts: readonly FactsJson[]): Promise<string | undefined> => {
    const eligible: FactsJson[] = [];
    for (const each of facts) if (await isEligible(engine, each)) eligible.push(each);
    const groups = Map.groupBy(eligible, ({ output }) => (output.json as { readonly label: string }).label);
    const sizes = [...groups.values()].map((group) => ({ group, votes: new Set(group.map(masterOf)).size }));
    const most = Math.max(0, ...sizes.map(({ votes }) => votes));
    const [largest, other] = sizes.filter(({ votes }) => votes === most && votes >= 5);
    if (!largest || other) return undefined;
    return largest.group.reduce((a, b) => (BigInt(b.response.payment) < BigInt(a.response.payment) ? b : a)).response
      .address;
  };

const masterOf = ({ provider }: FactsJson): string => provider?.master ?? "";

function engineOf(all: readonly object[]): Engine {
  const engine = new Engine();
  engine.addOperator("atMostWei", (asked: string, most: string) => BigInt(asked) <= BigInt(most));
  engine.addRule({ conditions: { all: all as never }, event: { type: "eligible" } });
  return engine;
}
