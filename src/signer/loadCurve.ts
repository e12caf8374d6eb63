import type { Curve } from "./curve.ts";
import { javascriptCurve } from "./javascriptCurve.ts";
import { loadNativeCurve } from "./nativeCurve.ts";
import type { Engine } from "./thread/messages.ts";

/** @throws ConfigError `CURVE_MISSING` where the native one is not installed. */
export const loadCurve = (engine: Engine): Curve => (engine === "native" ? loadNativeCurve() : javascriptCurve);
