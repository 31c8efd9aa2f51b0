// What the parts of the SDK share that deal with people: the device (core.ts) and whom it knows.
import type { Core } from './core.ts';
import type { People } from './devices/people.ts';
import type { Profiles } from './devices/profiles.ts';

/** The shared parts of one logged-in device. */
export interface Parts extends Core {
  readonly people: People;
  readonly profiles: Pick<Profiles, 'info' | 'heard' | 'picture'>;
}
