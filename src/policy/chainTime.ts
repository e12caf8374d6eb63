import type { Environment } from "@marcbachmann/cel-js";

type Duration = { readonly seconds: bigint | number; readonly nanos: number };

/** Whole seconds; a started one counts, so that "longer than" never shrinks. */
const secondsOf = ({ seconds, nanos }: Duration): bigint => BigInt(seconds) + (nanos > 0 ? 1n : 0n);

/**
 * The chain's clock counts whole seconds, so times are integers: `task.expiry - duration("10m")`,
 * `now - response.submittedAt < duration("5m")`. The engine's own timestamps stay out: they are about days and zones.
 */
export function registerChainTime(environment: Environment): void {
  const operators: Readonly<Record<string, (time: bigint, seconds: bigint) => unknown>> = {
    "+": (time, seconds) => time + seconds,
    "-": (time, seconds) => time - seconds,
    "<": (time, seconds) => time < seconds,
    "<=": (time, seconds) => time <= seconds,
    ">": (time, seconds) => time > seconds,
    ">=": (time, seconds) => time >= seconds,
  };
  for (const [operator, apply] of Object.entries(operators)) {
    environment.registerOperator(`int ${operator} google.protobuf.Duration`, (time: bigint, span: Duration) =>
      apply(time, secondsOf(span)),
    );
  }
}
