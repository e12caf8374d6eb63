/** The `function_name` that a task's config document asks for. */
export function functionNameOf(json: unknown): string | undefined {
  if (typeof json !== "object" || json === null || !Object.hasOwn(json, "function_name")) return undefined;
  const name = (json as { readonly function_name: unknown }).function_name;
  return typeof name === "string" ? name : undefined;
}
