import { parseEther } from "viem";
import type { ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { DeliveryMethod } from "../../src/protocol/statuses.ts";
import type { Behaviour } from "../actors/behaviours.ts";
import type { Provider } from "../actors/provider.ts";
import { RevertError } from "../actors/revertError.ts";
import type { Devnet } from "../index.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

/** One task on its way: what was handed in, in the order of the cast; `undefined` where the chain refused it. */
export type Act = {
  readonly number: number;
  readonly scenario: Scenario;
  readonly task: TaskAddress;
  /** Wei; the most that the client pays. */
  readonly payment: bigint;
  readonly submitted: ReadonlyMap<ResponseAddress, Behaviour>;
  /** Names of the behaviours by their providers' addresses, in lower case. */
  readonly names: ReadonlyMap<string, string>;
  readonly expectedResponse: () => ResponseAddress | undefined;
  /** Resolves when the cast has done its part. */
  readonly played: Promise<void>;
};

export type Stage = {
  /** Publishes the next scenario's task and lets its cast answer. */
  readonly play: (number: number) => Promise<Act>;
};

const texts = ["I love this network, it is great", "The worst delay I have ever seen", "It arrived on Tuesday"];
const payment = parseEther("1");

/** Sets up the sources and enrols every provider that the scenarios need. */
export async function openStage(devnet: Devnet): Promise<Stage> {
  const { client, gateway } = devnet;
  const sources: Record<NonNullable<Scenario["source"]>, SourceAddress> = {
    manual: await client.publishSource(),
    "first-response": await client.publishSource({ deliveryMethod: DeliveryMethod.FIRST_RESPONSE }),
  };
  const providers = new Map<Behaviour, Provider>();
  for (const behaviour of scenarios.flatMap(({ cast }) => cast)) {
    providers.set(behaviour, devnet.createProvider(behaviour));
  }
  await Promise.all(
    [...providers.values()].map(async (provider) => {
      await provider.enrol(sources.manual);
      await provider.register(sources["first-response"]);
    }),
  );

  const names = new Map([...providers].map(([{ name }, { address }]) => [address.toLowerCase(), name]));

  const play = async (number: number): Promise<Act> => {
    const scenario = scenarios[(number - 1) % scenarios.length] as Scenario;
    const text = texts[number % texts.length] ?? "";
    const function_name = scenario.functionName ?? "analyze_sentiment";
    const config = await gateway.putJson({ function_name, data: { text, number } });
    const task = await client.publishTask({ source: sources[scenario.source ?? "manual"], config, payment });
    const submitted = new Map<ResponseAddress, Behaviour>();
    let expectedResponse: ResponseAddress | undefined;
    const answer = async (behaviour: Behaviour, place: number) => {
      const provider = providers.get(behaviour);
      if (!provider) throw new Error(`nobody plays ${behaviour.name}`);
      try {
        const { response } = await provider.respondTo(task);
        submitted.set(response, behaviour);
        if (typeof scenario.expected === "object" && scenario.expected.paid === place) expectedResponse = response;
      } catch (error) {
        // Whoever comes after the payment is refused by the chain.
        if (!(error instanceof RevertError)) throw error;
      }
    };
    const perform = async () => {
      if (scenario.canceled) await client.cancelTask(task);
      const [first, ...others] = scenario.cast;
      if (first) await answer(first, 0);
      if (scenario.compete) await Promise.all(others.map((behaviour, index) => answer(behaviour, index + 1)));
      else for (const [index, behaviour] of others.entries()) await answer(behaviour, index + 1);
    };
    const played = perform();
    played.catch(() => undefined);
    return { number, scenario, task, payment, submitted, names, expectedResponse: () => expectedResponse, played };
  };
  return { play };
}
