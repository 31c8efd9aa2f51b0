// The stand-in knows everybody's password, so it must never guard anything real. This is the one place that decides whether it may run.

/** The sentence with which the stand-in refuses to run, or null where nothing says production. */
export function refusesProduction(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  const sign = args.includes('--production')
    ? '--production'
    : env.LUXCHAT_MODE?.trim() === 'production'
      ? 'LUXCHAT_MODE=production'
      : env.NODE_ENV?.trim() === 'production'
        ? 'NODE_ENV=production'
        : null;
  if (sign === null) return null;
  return `The stand-in LuxID does not run in production (${sign} is set): anyone could log in as anyone. Set luxidIssuer to the real LuxID.`;
}
