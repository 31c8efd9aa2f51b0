// Where a login may return to. This list is what keeps a login from being carried off: whoever sends a person a link with an own return address
// must not get the one-time code. Terminals return to their own machine, web apps to origins that the provider named.

/** Is this address good for a terminal: http on 127.0.0.1 or [::1] with a port, no user, query or fragment? */
export function isTerminalRedirect(address: string): boolean {
  const url = plainUrl(address);
  // Not `localhost`: its name can be resolved to elsewhere (RFC 8252, section 8.3).
  return url !== null && url.protocol === 'http:' && ['127.0.0.1', '[::1]'].includes(url.hostname) && url.port !== '';
}

/** Is this address good for the web app: of a known origin, no user, query or fragment? */
export function isWebRedirect(address: string, origins: ReadonlySet<string>): boolean {
  const url = plainUrl(address);
  return url !== null && origins.has(url.origin);
}

function plainUrl(address: string): URL | null {
  const url = URL.parse(address);
  // The text must be what the parser makes of it, so that nothing is read differently by the next one who parses it.
  if (url === null || (url.href !== address && url.href !== `${address}/`)) return null;
  return url.username === '' && url.password === '' && !/[?#]/.test(address) ? url : null;
}
