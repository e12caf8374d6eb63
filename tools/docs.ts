import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiReference } from "./apiReference.ts";

writeFileSync(join(import.meta.dirname, "../docs/api.md"), apiReference());
