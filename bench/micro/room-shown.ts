// What a message costs a device in a group of 1,000 besides its own bytes: the room as a list shows it, made anew at each, with persons that are remembered by member
// beside persons that are looked up by commitment each time. Run: node bench/micro/room-shown.ts [--write] [--people 1000] [--rounds 9]
import { parseArgs } from 'node:util';
import type { Chain } from '#client/chain/chain.ts';
import { CheckpointHub, ReadingDevice } from '#client/testing/checkpoint-hub.ts';
import { type Actor, makeActor } from '#proto/golden/cast.ts';
import { cpuMicros, median, writeResult } from './lib/figures.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    people: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '9' },
  },
});
const [people, rounds] = [flags.people, flags.rounds].map(Number) as [number, number];
const inRound = 20;

const actors = Array.from({ length: people }, (_, n) => makeActor(`@p${n}:localhost`));
const hub = new CheckpointHub(actors[0] as Actor);
for (const actor of actors.slice(1)) hub.join(1, actor);
// The one who came last: of them a list that is walked is walked to its end.
const device = new ReadingDevice(hub, actors.at(-1) as Actor);
await device.sync();
const { room } = device;
const { chain } = room;

const kinds = { remembered: {}, 'looked up': lookingUp(chain) };
const micros: Record<keyof typeof kinds, number[]> = { remembered: [], 'looked up': [] };
for (const look of Object.values(kinds)) shown(look);
for (let n = 0; n < rounds; n++) for (const kind of inTurn(n)) micros[kind].push(shown(kinds[kind]));
const ratio = median(micros['looked up'].map((each, n) => each / (micros.remembered[n] as number)));
const figures = Object.entries(micros).map(([persons, all]) => ({ persons, 'µs a message': Math.round(median(all)) }));
console.table(figures);
console.log(`looked up : remembered = ${ratio.toFixed(1)}`);
if (flags.write) writeResult('micro-room-shown', { people, rounds }, { figures, ratio });

/** CPU time of one room shown. */
function shown(look: Partial<Chain>): number {
  Object.assign(chain, look);
  const began = cpuMicros();
  for (let n = 0; n < inRound; n++)
    if (room.info().members.length !== people - 1) throw new Error('somebody is missing');
  for (const name of Object.keys(look)) delete (chain as unknown as Record<string, unknown>)[name];
  return (cpuMicros() - began) / inRound;
}

/** The chain's own questions, asked of the roll each time. */
function lookingUp({ roll }: Chain): Partial<Chain> {
  const person: Chain['person'] = (number) => {
    const found = chain.state?.members.get(number);
    return found && roll.person(found.person);
  };
  const memberOf: Chain['memberOf'] = (user) => {
    for (const member of chain.state?.members ?? [])
      if (roll.person(member.person)?.user === user) return member.number;
    return 0;
  };
  return { person, memberOf, user: (number) => person(number)?.user ?? '' };
}

function inTurn(n: number): (keyof typeof kinds)[] {
  return n % 2 === 0 ? ['remembered', 'looked up'] : ['looked up', 'remembered'];
}
