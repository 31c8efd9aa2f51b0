// What the parts of the SDK share that deal with people: the device (device-parts.ts) and whom it knows.
import type { DeviceParts } from './device-parts.ts';
import type { People } from './devices/people.ts';
import type { Profiles } from './devices/profiles.ts';

/** The shared parts of one logged-in device. */
export interface Parts extends DeviceParts {
  readonly people: People;
  readonly profiles: Pick<Profiles, 'info' | 'heard' | 'picture'>;
}
