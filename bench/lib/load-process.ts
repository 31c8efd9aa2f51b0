// The load in a process of its own, so that it shares no CPU time with what is measured.
import { serveCalls } from '../micro/lib/child.ts';
import { cpuMicros } from '../micro/lib/figures.ts';
import type { BenchLogin } from './identity.ts';
import { type Load, providerRooms, type Rooms, relayRooms, run } from './load.ts';
import type { Ports } from './people.ts';

const kinds = new Map<string, Rooms>();

interface ProviderTarget {
  readonly kind: string;
  readonly port: Ports;
  readonly provider: string;
  readonly name: string;
  readonly logins: readonly BenchLogin[];
  readonly members: number;
  readonly bodyBytes: number;
}

serveCalls({
  cpu: () => cpuMicros(),
  provider: async ({ kind, logins, members, bodyBytes, ...target }: ProviderTarget) => {
    kinds.set(kind, await providerRooms(target, logins, { members, bodyBytes }));
  },
  relay: async ({ port, ...size }: { port: number; rooms: number; members: number; bytes: number }) => {
    kinds.set('relay', await relayRooms(port, size));
  },
  run: ({ kind, ...load }: Load & { kind: string }) => run(kinds.get(kind) as Rooms, load),
});
