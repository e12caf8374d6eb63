import type { FactsJson } from "../factsJson.ts";
import type { Signals } from "./signalsPort.ts";

/**
 * Answers what judges said when a response was decided: nobody is asked again, and a replay comes to the same.
 *
 * @param recorded Facts of the task that is asked about, as they were recorded; those without an answer are left out.
 */
export function createRecordedSignals(
  recorded: (asked: FactsJson) => readonly FactsJson[] | Promise<readonly FactsJson[]>,
): Signals {
  return {
    ask: async ({ name }, asked) => {
      const { address } = asked.response;
      const answers = (await recorded(asked)).findLast((facts) => facts.signals && facts.response.address === address);
      const { signals = {} } = answers ?? {};
      if (Object.hasOwn(signals, name)) return { ok: true, answer: signals[name] };
      return { ok: false, error: `no answer of the judge ${name} was recorded` };
    },
  };
}
