import { fromEventPattern, merge, tap } from "rxjs";
import { readAll } from "../chain/contractReads.ts";
import type { HttpRpc } from "../chain/jsonRpc.ts";
import { sourceReads, toSource } from "../chain/snapshot.ts";
import type { Evaluator } from "../policy/evaluator.ts";
import { folderChanges$ } from "../policy/folderChanges.ts";
import type { PolicyStore } from "../policy/policyStore.ts";
import { refuseFirstResponse } from "../policy/refuseFirstResponse.ts";
import { createPolicyStore } from "../policy/reload.ts";
import { createHttpSignals } from "../policy/signals/httpSignals.ts";
import type { Hex, SourceAddress } from "../protocol/brand.ts";
import type { Reporter } from "../report.ts";
import type { Context } from "./context.ts";

const hangup = "SIGHUP";

/** The policies of a folder, read again when its files change and at SIGHUP. */
export function watchPolicies(
  { env, onReloadSignal }: Pick<Context, "env" | "onReloadSignal">,
  folder: string,
  evaluator: Evaluator,
  rpc: HttpRpc,
  report: Reporter,
): Promise<PolicyStore> {
  const readSource = async (address: SourceAddress) => {
    const [params, status] = await readAll(rpc, sourceReads(address, "latest" as Hex));
    return toSource(address, params, status);
  };
  const hangups$ = fromEventPattern<typeof hangup>((handler) => onReloadSignal?.(() => handler(hangup))).pipe(
    tap(() => report({ type: "reload", stage: "began" })),
  );
  return createPolicyStore({
    folder,
    evaluator,
    checkSet: (set) => refuseFirstResponse(set, readSource),
    signals: createHttpSignals({ secretOf: (name) => env[name] }),
    triggers$: merge(folderChanges$(folder), hangups$),
    onChanged: ({ policies }) => {
      report({ type: "policies", ok: true, policies: policies.map(({ name, mode }) => `${name} (${mode})`) });
    },
    onRefused: (problems) => report({ type: "policies", ok: false, problems }),
    onLooked: (trigger, problems) => {
      if (trigger === hangup) report({ type: "reload", stage: "ended", problems });
    },
  });
}
