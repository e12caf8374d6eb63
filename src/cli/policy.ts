import { resolve } from "node:path";
import { loadConfig } from "../config/loadConfig.ts";
import { exitCodes } from "../errors.ts";
import { checkPolicies } from "../policy/tools/checkPolicies.ts";
import { listPolicies } from "../policy/tools/listPolicies.ts";
import { newPolicy } from "../policy/tools/newPolicy.ts";
import { testPolicies } from "../policy/tools/testPolicies.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";
import { policyBacktest } from "./policyBacktest.ts";
import { policyExplain } from "./policyExplain.ts";

/** Work on policy files. @returns the exit code: 1 where a test failed, 78 where a file is wrong. */
export async function policy(context: Context, line: Line): Promise<number> {
  const [action, ...args] = line.args;
  const { stdout, cwd } = context;
  const folder = () => (args[0] === undefined ? configuredFolder(context, line) : resolve(cwd, args[0]));
  switch (action) {
    case "check":
      stdout.write(await checkPolicies(folder()));
      return exitCodes.ok;
    case "list":
      stdout.write(listPolicies(folder()));
      return exitCodes.ok;
    case "test": {
      const { text, ok } = await testPolicies(folder());
      stdout.write(text);
      return ok ? exitCodes.ok : exitCodes.failed;
    }
    case "new":
      stdout.write(newPolicy(args[0] ?? ""));
      return exitCodes.ok;
    case "explain":
      return policyExplain(context, line, args);
    case "backtest":
      return policyBacktest(context, line, args);
    default:
      throw usage(`there is no "policy ${action ?? ""}": known are check, test, list, explain, backtest and new`);
  }
}

/** The folder that the configuration names. */
const configuredFolder = ({ env, cwd }: Context, { file, flags }: Line): string =>
  loadConfig({ file, flags, env, cwd }).config.policies.dir;
