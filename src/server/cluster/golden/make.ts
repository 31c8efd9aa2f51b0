// Writes the golden packets: `node src/server/cluster/golden/make.ts`. A change of bytes that are there already is a change of what running nodes of the
// version before understand: only new names may come.
import { writeFileSync } from 'node:fs';
import { encodePacket } from '../wire.ts';
import { packetSamples } from './packets.ts';

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const golden = Object.fromEntries(packetSamples.map(({ name, packet }) => [name, hexOf(encodePacket(packet))]));
writeFileSync(new URL('packets.json', import.meta.url), `${JSON.stringify(golden, null, 2)}\n`);
