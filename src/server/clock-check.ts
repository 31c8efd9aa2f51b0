// Does this machine's clock agree with the store's? Rows would expire at the wrong time otherwise, so nothing is accepted beyond a minute.
import type { ProviderStore } from './stores.ts';
import type { Log } from './telemetry/log.ts';

/** How far clocks may be apart, milliseconds. */
export const clockSkewMaxMs = 60_000;

/** This machine's clock is off. That may mend itself, at a boot before the network's time is there: no setting is wrong, and starting again helps. */
export class ClockOff extends Error {
  readonly code = 'CLOCK';
}

/** Rejects with ClockOff; with the store's error where it can't be known. Says in the log where the store's own clocks are apart. */
export async function checkClock(store: Pick<ProviderStore, 'clockSkew'>, log: Pick<Log, 'warn'>): Promise<void> {
  const { skewMs, spreadMs } = (await store.clockSkew?.()) ?? { skewMs: 0, spreadMs: 0 };
  if (spreadMs > clockSkewMaxMs) log.warn('store clocks apart', { seconds: Math.round(spreadMs / 1000) });
  if (Math.abs(skewMs) <= clockSkewMaxMs) return;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const text = `The clock of this machine is ${seconds} seconds ${skewMs > 0 ? 'ahead of' : 'behind'} that of Cassandra: set it right`;
  throw new ClockOff(text);
}
