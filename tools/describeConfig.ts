import { flagOf, settings, variableOf } from "../src/config/schema.ts";

const preface = `# Configuration

Every key, from the schema in \`src/config/schema.ts\`. A later source wins over an earlier one:

1. the defaults below (\`config/default.yaml\` is the same as a file);
2. the network's file, \`config/<network>.yaml\` in the package;
3. your file: \`--config <path>\`, or \`OGPU_CONFIG\`;
4. the environment: \`sink.maxPayment\` is \`OGPU_SINK_MAX_PAYMENT\`. An empty variable counts as not set; lists are separated
   by commas. Outside production (\`NODE_ENV\` is not \`production\`) a \`.env\` file in the working directory is read too;
5. flags: \`sink.maxPayment\` is \`--sink-max-payment\`; a switch is \`--sink-dry-run\` or \`--no-sink-dry-run\`.

Unknown keys and wrong values stop the start with exit code 78, all of them listed at once. Amounts are quoted text with a
unit (\`"0.05 OGPU"\`, \`"30 gwei"\`), durations too (\`"500ms"\`, \`"10s"\`, \`"5m"\`). Relative paths start at the working
directory. The private key is never a key of this file: see \`signer.keyFile\`.

| key | default | write | meaning |
|---|---|---|---|
`;

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** The page `docs/configuration.md`, rendered from the schema. */
export const describeConfig = (): string =>
  preface +
  settings()
    .map(({ key, setting }) => {
      const initial = setting.default === null ? "the network's" : `\`${JSON.stringify(setting.default)}\``;
      return `| \`${key}\`<br>\`${variableOf(key)}\`<br>\`--${flagOf(key)}\` | ${cell(initial)} | ${cell(setting.reads.expects)} | ${cell(setting.doc)} |\n`;
    })
    .join("");
