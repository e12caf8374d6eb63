import { type Admission, type AdmitDeps, checkAll, payAll } from "../../src/sink/admit.ts";

/** Admits one intent, as the sink does with many. @throws what that throws, and why it cannot be told whether it may be paid. */
export async function admit(deps: AdmitDeps, id: number): Promise<Admission> {
  const [admission] = await payAll(deps, await checkAll(deps, [id]));
  if (admission === undefined || admission.type === "failed") throw admission?.error;
  return admission;
}
