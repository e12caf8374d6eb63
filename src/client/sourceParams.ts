import { DeliveryMethod, ImageEnvironment } from "../protocol/statuses.ts";
import { InputError } from "./errors.ts";
import { isUrl, readAmount } from "./inputs.ts";
import type { Address, SourceInfo } from "./types.ts";

/** What stands in a source's contract (`SourceParams` of the ABI). */
export type SourceParams = {
  readonly client: Address;
  readonly imageMetadataUrl: string;
  readonly imageEnvironments: number;
  readonly minPayment: bigint;
  readonly minAvailableLockup: bigint;
  readonly maxExpiryDuration: bigint;
  readonly privacyEnabled: boolean;
  readonly optionalParamsUrl: string;
  readonly deliveryMethod: number;
  /** The contract sets it. */
  readonly lastUpdateTime: bigint;
};

/** The terms with what providers read off-chain beside them. */
export type SourceDraft = {
  readonly terms: Omit<SourceParams, "imageMetadataUrl">;
  /** Uploaded as JSON; the fields are those that the network's own tools write. */
  readonly metadata: Readonly<Record<"cpu" | "nvidia" | "amd" | "name" | "description" | "logoUrl", string>>;
};

/** @throws InputError `SOURCE_INFO_INVALID` or `AMOUNT_INVALID` that names the field. */
export function draftSource(client: Address, info: SourceInfo): SourceDraft {
  const {
    name,
    description,
    logoUrl,
    imageEnvs = {},
    maxExpiryDuration,
    deliveryMethod = DeliveryMethod.MANUAL_CONFIRMATION,
  } = info;
  const { cpu = "", nvidia = "", amd = "" } = imageEnvs;
  for (const [field, text] of Object.entries({ name, description }))
    if (typeof text !== "string") throw invalid(field, `is ${text}`, "give a text");
  if (name.trim() === "") throw invalid("name", "is empty", "providers see it: name the service");
  const images = Object.entries({ cpu, nvidia, amd });
  for (const [field, url] of [
    ...images.map(([kind, url]) => [`imageEnvs.${kind}`, url]),
    ["logoUrl", logoUrl],
  ] as const) {
    if (url !== "" && !isUrl(url)) throw invalid(field ?? "", `is no URL: "${url}"`, "give an https or ipfs URL");
  }
  if (cpu + nvidia + amd === "")
    throw invalid("imageEnvs", "names no image", "give the docker-compose file of one kind of machine at least");
  if (!Number.isSafeInteger(maxExpiryDuration) || maxExpiryDuration <= 0)
    throw invalid("maxExpiryDuration", `is ${maxExpiryDuration}`, "give whole seconds, such as 86400 for a day");
  if (!Object.values(DeliveryMethod).some((known) => known === deliveryMethod))
    throw invalid("deliveryMethod", `is ${deliveryMethod}`, "give a value of DeliveryMethod");
  return {
    metadata: { cpu, nvidia, amd, name, description, logoUrl },
    terms: {
      client,
      imageEnvironments:
        bit(cpu, ImageEnvironment.CPU) | bit(nvidia, ImageEnvironment.NVIDIA) | bit(amd, ImageEnvironment.AMD),
      minPayment: readAmount("minPayment", info.minPayment),
      minAvailableLockup: readAmount("minAvailableLockup", info.minAvailableLockup),
      maxExpiryDuration: BigInt(maxExpiryDuration),
      privacyEnabled: false,
      optionalParamsUrl: "",
      deliveryMethod,
      lastUpdateTime: 0n,
    },
  };
}

const bit = (url: string, value: number): number => (url === "" ? 0 : value);

const invalid = (field: string, problem: string, remedy: string): InputError =>
  new InputError(`the source's ${field} ${problem}`, { code: "SOURCE_INFO_INVALID", remedy });
