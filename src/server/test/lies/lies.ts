// Every lie that the tests tell. A lie stands in the file of what it is about, under the end of the sentence "a server that …", by which the
// tests print it: whoever looks for one that failed searches this folder for its first words.
import { checkpoints } from './checkpoints.ts';
import { devices } from './devices.ts';
import { histories } from './histories.ts';
import { identities } from './identities.ts';
import type { Lie } from './lie.ts';
import { membership } from './membership.ts';
import { messages } from './messages.ts';
import { slots } from './slots.ts';
import { thief } from './thief.ts';

/** Every lie, in the order in which they are told. */
export const lies: readonly Lie[] = [
  ...membership,
  ...checkpoints,
  ...histories,
  ...messages,
  ...slots,
  ...devices,
  ...thief,
  ...identities,
];
