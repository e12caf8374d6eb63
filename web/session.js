const tokenKey = "ogpu-confirmd-token";
const whoKey = "ogpu-confirmd-who";

/** Who may change something: the token lives as long as this tab, the name is remembered. */
export const session = {
  token: () => sessionStorage.getItem(tokenKey) ?? "",
  isOpen: () => session.token() !== "",
  /** @param {string} token Empty: forgotten. */
  setToken: (token) => (token === "" ? sessionStorage.removeItem(tokenKey) : sessionStorage.setItem(tokenKey, token)),
  who: () => localStorage.getItem(whoKey) ?? "",
  /** @param {string} who */
  setWho: (who) => localStorage.setItem(whoKey, who),
};

/** Takes a token out of the address (`#token=…`), which the browser never sends anywhere. */
export function takeTokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return;
  session.setToken(token);
  history.replaceState(null, "", location.pathname);
}
