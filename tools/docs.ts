import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiReference } from "./apiReference.ts";
import { describeCli } from "./describeCli.ts";
import { describeConfig } from "./describeConfig.ts";

const pages = { "api.md": apiReference(), "cli.md": describeCli(), "configuration.md": describeConfig() };
for (const [name, text] of Object.entries(pages)) writeFileSync(join(import.meta.dirname, "../docs", name), text);
