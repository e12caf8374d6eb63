import type { FactsJson } from "../factsJson.ts";
import type { Signals } from "./signalsPort.ts";

/**
 * Answers what judges said when a response was decided: nobody is asked again, and a replay comes to the same.
 *
 * @param recorded Facts as they were recorded; those without an answer are left out.
 */
export function createRecordedSignals(recorded: () => readonly FactsJson[]): Signals {
  let known: ReadonlyMap<string, NonNullable<FactsJson["signals"]>> | undefined;
  return {
    ask: async ({ name }, { response }) => {
      known ??= new Map(
        recorded().flatMap((facts) => (facts.signals ? [[facts.response.address, facts.signals]] : [])),
      );
      const answers = known.get(response.address);
      if (answers && Object.hasOwn(answers, name)) return { ok: true, answer: answers[name] };
      return { ok: false, error: `no answer of the judge ${name} was recorded` };
    },
  };
}
