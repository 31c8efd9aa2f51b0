// What a person can do with a device that is not confirmed: only ways that are open to them are named.
import type { LuxchatClient } from '#client/luxchat-client.ts';

/** What the ways depend on. */
export type WaysFrom = Pick<LuxchatClient, 'devices'> & { readonly security: Pick<LuxchatClient['security'], 'state'> };

/** The ways to confirm this device, as part of a sentence that begins with "run": by the backup's password, by another confirmed device, or, where there is
 * neither, to begin anew. `call`: how they call the program. Rejects as `devices` does. */
export async function waysToConfirm(client: WaysFrom, call: string): Promise<string> {
  const { backup } = client.security.state();
  const hasOther = (await client.devices()).some(({ confirmed, current }) => confirmed && !current);
  const byPassword = `run ${call} unlock and type your password`;
  const byDevice = `run ${call} verify here, and verify on a confirmed one`;
  if (backup) return hasOther ? `${byPassword}, or ${byDevice}` : byPassword;
  return hasOther
    ? byDevice
    : `run ${call} secure --start-over, which begins anew: you have no confirmed device and your messages were not secured`;
}
