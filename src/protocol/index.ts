export * from "./abi.ts";
export * from "./amounts.ts";
export * from "./brand.ts";
export * from "./chains.ts";
export * from "./entities.ts";
export * from "./events.ts";
export * from "./reverts.ts";
export * from "./statuses.ts";
