import { parseArgs } from "node:util";

export type DemoOptions = {
  /** Tasks to publish; `Infinity`: until Ctrl-C. */
  readonly tasks: number;
  /** End when every task's outcome is known, rather than at Ctrl-C. */
  readonly exit: boolean;
  /** Where to write the outcomes as JSON. */
  readonly report: string | undefined;
};

export const demoHelp = `npm run demo -- [--tasks N] [--exit] [--report FILE]

  --tasks N      publish N tasks (default: 20 with --exit, else without end)
  --exit         stop when every task has its outcome; exit code 0 only if all ended as their scenario demands
  --report FILE  write every task's outcome as JSON
`;

/** @throws TypeError for anything it does not know. */
export function readDemoOptions(argv: readonly string[]): DemoOptions | "help" {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      tasks: { type: "string" },
      exit: { type: "boolean", default: false },
      report: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const tasks = values.tasks === undefined ? (values.exit ? 20 : Number.POSITIVE_INFINITY) : Number(values.tasks);
  if (tasks !== Number.POSITIVE_INFINITY && !(Number.isInteger(tasks) && tasks > 0 && tasks <= 10_000)) {
    throw new TypeError(`--tasks takes a whole number from 1 to 10000, not "${values.tasks}"`);
  }
  return { tasks, exit: values.exit, report: values.report };
}
