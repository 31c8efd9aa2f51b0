// A search among 200,000 people who want to be found, and whether its time tells who said no from who does not exist. The service over its store, as a node
// runs it, without sockets; on the embedded store, and with --cassandra on one Cassandra, which is filled by plain inserts, since listing by listing takes too long.
// Times of searches are the store's; answers leave at the end of a step of time (src/server/directory/steps.ts), and pairs are timed with and without it.
// Run: node bench/micro/directory.ts [--write] [--people 200000] [--searches 5000] [--pairs 600] [--cassandra]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { foldName } from '#proto/rules/directory.ts';
import { Directory } from '#server/directory/directory.ts';
import { CassandraStore } from '#server/storage/cassandra/store.ts';
import { type DirectoryStore, keptPlaces } from '#server/storage/directory.ts';
import { EmbeddedStore } from '#server/storage/embedded/store.ts';
import { Services } from '../lib/cluster.ts';
import { inParallel } from '../lib/server.ts';
import { writeResult } from './lib/figures.ts';
import { fictitiousName, Random } from './lib/names.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    people: { type: 'string', default: '200000' },
    searches: { type: 'string', default: '5000' },
    pairs: { type: 'string', default: '600' },
    cassandra: { type: 'boolean', default: false },
  },
});
const people = Number(flags.people);
const searches = Number(flags.searches);
const pairs = Number(flags.pairs);
/** Every so many said no after they had said yes. */
const noEvery = 100;
const open = { userBurst: 1e9, userEveryMs: 1, userDayMax: 1e9, nodeBurst: 1e9, nodeEveryMs: 1, usersMax: 1e6 };
const random = new Random(42);
const names = Array.from({ length: people }, () => fictitiousName(random));
/** Words that nobody else has, so that a search for one finds at most its owner. */
const ownWord = (n: number) => `zq${n.toString(36)}`;
const nameOf = (n: number) => (n % noEvery === 0 ? `${ownWord(n)} ${names[n]}` : (names[n] as string));
const userOf = (n: number) => `@u${String(n).padStart(9, '0')}:bench.example`;

const figures: Record<string, unknown>[] = [];
if (flags.cassandra) await onCassandra();
else await onEmbedded();
console.table(figures);
const kind = flags.cassandra ? 'cluster-directory' : 'micro-directory';
if (flags.write) writeResult(kind, { people, searches, pairs, noEvery }, figures);
process.exit();

async function onEmbedded(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-directory-'));
  const store = await EmbeddedStore.open({ folder, now: Date.now });
  const directory = store.directory();
  await inParallel(people, 2_000, (n) => choose(directory, n));
  await measure('embedded', directory, () => store.expire());
  await store.close();
  rmSync(folder, { recursive: true });
}

async function onCassandra(): Promise<void> {
  const services = await Services.start();
  const { contactPoints, port } = services.cassandra;
  const place = { contactPoints, port, localDataCenter: 'datacenter1', keyspace: 'luxchat' };
  const store = await CassandraStore.open({ ...place, replicationFactor: 1, now: Date.now });
  const client = await services.client('luxchat');
  const options = { prepare: true };
  await inParallel(people, 128, async (n) => {
    const [user, name] = [userOf(n), nameOf(n)];
    const listing = "insert into listings (user_id, version, listed, name, named) values (?, 1, true, ?, '[]')";
    const word =
      'insert into directory (beginning, later, place, user_id, name) values (?, ?, ?, ?, ?) using timestamp 1';
    await client.execute(listing, [user, name], options);
    for (const { beginning, later, text } of keptPlaces(name))
      await client.execute(word, [beginning, later, text, user, name], options);
  });
  await client.shutdown();
  await measure('cassandra', store.directory(), async () => {});
  await store.close();
  await services.stop();
}

async function choose(store: DirectoryStore, n: number): Promise<void> {
  const listing = { version: 1, isListed: true, name: nameOf(n), namedMs: [] };
  if (!(await store.changeListing(userOf(n), listing, 0))) throw new Error('somebody was listed before');
}

async function measure(store: string, listed: DirectoryStore, renew: () => Promise<void>): Promise<void> {
  const directory = new Directory({ store: listed, isBot: () => false, now: Date.now, searches: open });
  const served = async (text: string) => {
    const body = { $case: 'searchDirectory', value: { text } } as const;
    const answer = await directory.serve({ user: '@a:bench.example', body });
    return answer.$case === 'directoryHits' ? answer.value.hits.length : -1;
  };
  const bare = async (text: string) => (await listed.find(foldName(text))).length;
  const times = async (texts: readonly string[], found: boolean | null, search = bare) => {
    const micros: number[] = [];
    for (const text of texts) {
      const began = performance.now();
      const hits = await search(text);
      micros.push((performance.now() - began) * 1000);
      if (hits < 0 || (found !== null && hits > 0 !== found)) throw new Error(`${hits} hits`);
    }
    return micros;
  };
  const wanted = Array.from({ length: searches }, () => asTyped(names[random.below(people)] as string));
  await times(wanted.slice(0, 500), null);
  const searched = (await times(wanted, null)).sort((one, other) => one - other);
  figures.push({ store, what: 'search', ...quantiles(searched) });
  const common = Array.from({ length: searches }, () => random.of(['mar', 'mul', 'sch', 'jean', 'maria da']));
  figures.push({ store, what: 'search, common beginnings', ...quantiles(await times(common, true)) });

  const gone = Array.from({ length: Math.floor(people / noEvery) }, (_, at) => at * noEvery);
  await inParallel(gone.length, 64, (at) => sayNo(listed, gone[at] as number));
  const compare = async (when: string, count: number, search: typeof bare) => {
    const [no, nobody]: [number[], number[]] = [[], []];
    // In turns, in changing order: what one search leaves warm must not help the other kind alone.
    for (let n = 0; n < count; n++) {
      const at = gone[n % gone.length] as number;
      const ask = (word: number, into: number[]) => async () => {
        into.push(...(await times([ownWord(word)], false, search)));
      };
      const pair = [ask(at, no), ask(at + 1 + (n % (noEvery - 1)), nobody)];
      for (const each of random.below(2) === 0 ? pair : pair.toReversed()) await each();
    }
    const told = Math.round(likelihood(no, nobody) * 1000) / 1000;
    figures.push({ store, what: `said no, ${when}`, ...quantiles(no), 'longer than nobody': told });
    figures.push({ store, what: `nobody, ${when}`, ...quantiles(nobody) });
  };
  await compare('store alone', searches, bare);
  await compare('answered', pairs, served);
  await renew();
  await compare('answered, later', pairs, served);
}

async function sayNo(store: DirectoryStore, n: number): Promise<void> {
  const before = (await store.readListing(userOf(n)))!.version;
  await store.changeListing(userOf(n), { version: before + 1, isListed: false, name: '', namedMs: [] }, before);
}

/** What a person types who looks for somebody: the beginning of a word, or of two. */
function asTyped(name: string): string {
  const words = name.split(' ');
  const word = words[random.below(words.length)] as string;
  const start = name.indexOf(word);
  return name.slice(start, start + Math.max(3, 3 + random.below(6))).padEnd(3, 'a');
}

function quantiles(micros: readonly number[]): Record<string, number> {
  const sorted = [...micros].sort((one, other) => one - other);
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] as number) / 1000;
  return { 'p50 ms': at(0.5), 'p99 ms': at(0.99), 'p99.9 ms': at(0.999) };
}

/** How often a time of the first is longer than one of the second: 0.5 = they tell nothing. */
function likelihood(first: readonly number[], second: readonly number[]): number {
  const all = [...first.map((ms) => ({ ms, own: true })), ...second.map((ms) => ({ ms, own: false }))];
  all.sort((one, other) => one.ms - other.ms);
  let [below, wins] = [0, 0];
  for (const { own } of all) {
    if (own) wins += below;
    else below++;
  }
  return wins / (first.length * second.length);
}
