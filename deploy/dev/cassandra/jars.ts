// Cassandra's own files: the jars of one release with all that it needs, fetched once by Maven and held to a checked-in list of SHA-256 sums.
// A jar that is not in the list, is missing or differs is refused, at the fetch and again at every start: nothing unexpected is ever run.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '../cache.ts';
import { DevFailure } from '../failure.ts';
import { say, secondsSince } from '../progress.ts';

const run = promisify(execFile);

/** The release that is run in development. */
export const cassandraVersion = '5.0.8';

/** Name of each expected jar and its SHA-256; the lines are those of `sha256sum`. */
export function expectedJars(): ReadonlyMap<string, string> {
  const lines = readFileSync(join(import.meta.dirname, 'jars.sha256'), 'utf8')
    .trim()
    .split('\n');
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

/** Fetches the jars unless they are in the cache, checks every one, and gives their paths in the order of the list. */
export async function cassandraJars(): Promise<string[]> {
  const expected = expectedJars();
  const list = createHash('sha256')
    .update(JSON.stringify([...expected]))
    .digest('hex')
    .slice(0, 8);
  const folder = await cached(`cassandra-${cassandraVersion}-${list}`, async (part) => {
    await fetchJars(part);
    checkJars(part, expected);
  });
  checkJars(folder, expected);
  return [...expected.keys()].map((name) => join(folder, name));
}

/** Throws UNEXPECTED_FILE unless the folder holds exactly the expected jars. */
export function checkJars(folder: string, expected: ReadonlyMap<string, string>): void {
  const names = readdirSync(folder);
  const wrong = [
    ...names.filter((name) => !expected.has(name)).map((name) => `${name} is not in the list`),
    ...[...expected.keys()].filter((name) => !names.includes(name)).map((name) => `${name} is missing`),
    ...names
      .filter((name) => expected.has(name) && expected.get(name) !== sha256(join(folder, name)))
      .map((name) => `${name} has another SHA-256`),
  ];
  if (wrong.length === 0) return;
  throw new DevFailure('UNEXPECTED_FILE', `${folder}: ${wrong.slice(0, 5).join(', ')}.`, {
    next: 'Remove that folder and start again; if it happens again, do not run what Maven brought.',
  });
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

async function fetchJars(folder: string): Promise<void> {
  const start = performance.now();
  say(`Cassandra: fetching ${cassandraVersion} with Maven, 67 MB, once…`);
  const work = join(folder, 'maven');
  mkdirSync(join(work, 'lib'), { recursive: true });
  writeFileSync(join(work, 'pom.xml'), pom);
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
  try {
    await run('mvn', ['-q', '-B', goal, `-DoutputDirectory=${join(work, 'lib')}`], { cwd: work, timeout: 240_000 });
  } catch (cause) {
    const { code, stdout, message } = cause as { code?: unknown; stdout?: string; message: string };
    if (code === 'ENOENT')
      throw new DevFailure('MAVEN_MISSING', 'Cassandra is fetched by Maven, and there is no mvn here.', {
        next: 'Install Maven 3.8 or newer (Debian: apt install maven; macOS: brew install maven) and start again.',
        cause,
      });
    throw new DevFailure('FETCH_FAILED', `Maven could not bring Cassandra:\n${stdout || message}\n`, {
      next: 'Is the network there, and Maven set up for it?',
      cause,
    });
  }
  for (const name of readdirSync(join(work, 'lib'))) renameSync(join(work, 'lib', name), join(folder, name));
  rmSync(work, { recursive: true });
  say(`Cassandra: fetched in ${secondsSince(start)} s`);
}

const pom = `<project><modelVersion>4.0.0</modelVersion>
<groupId>luxchat</groupId><artifactId>cassandra</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency>
<groupId>org.apache.cassandra</groupId><artifactId>cassandra-all</artifactId><version>${cassandraVersion}</version>
</dependency></dependencies></project>
`;
