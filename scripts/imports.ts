// The direction of imports, as one table and two functions: `proto <- actors <- src/server` and `proto <- src/client <- the programs`.
// `imports.test.ts` runs it over every file, so that a rule broken is a test failed. It reads text only and runs nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** What one part of the tree may import. Longest matching `from` wins; a prefix in `may` allows everything below it. */
export interface ImportRule {
  /** Path prefix of the importing files. */
  readonly from: string;
  /** Path prefixes of the project that may be imported. */
  readonly may: readonly string[];
  /** npm packages: all, none, or these. */
  readonly packages: 'all' | 'none' | readonly string[];
  /** Whether `node:*` is allowed. */
  readonly node: boolean;
}

/** The rules. Tests (`*.test.ts`, `*.contract.ts`) may besides use vitest, fast-check and the node modules they need. */
export const importRules: readonly ImportRule[] = [
  { from: 'proto', may: ['proto'], packages: ['@bufbuild/protobuf'], node: false },
  // Makes and tells the golden bytes; nothing that ships imports it.
  { from: 'proto/golden', may: ['proto'], packages: 'all', node: true },
  { from: 'actors', may: ['proto', 'actors/kernel', 'actors/ports', 'actors/log'], packages: 'none', node: false },
  {
    from: 'actors/cluster',
    may: ['proto', 'actors/kernel', 'actors/ports', 'actors/log', 'actors/cluster'],
    packages: 'none',
    node: false,
  },
  {
    from: 'actors/session',
    may: ['proto', 'actors/kernel', 'actors/ports', 'actors/session'],
    packages: 'none',
    node: false,
  },
  {
    from: 'actors/user',
    may: ['proto', 'actors/kernel', 'actors/ports', 'actors/log', 'actors/user'],
    packages: 'none',
    node: false,
  },
  {
    from: 'actors/room',
    may: ['proto', 'actors/kernel', 'actors/ports', 'actors/log', 'actors/room'],
    packages: 'none',
    node: false,
  },
  { from: 'actors/sim', may: ['proto', 'actors'], packages: 'none', node: false },
  // The program that runs and replays seeds: the one file below actors that may see a process.
  { from: 'actors/sim/run.ts', may: ['proto', 'actors'], packages: 'none', node: true },
  { from: 'src/server', may: ['proto', 'actors', 'src/server'], packages: 'all', node: true },
  { from: 'src/server/transport', may: ['proto', 'actors', 'src/server/transport'], packages: 'all', node: true },
  {
    from: 'src/server/storage',
    may: ['proto', 'actors', 'src/server/storage', 'src/server/auth'],
    packages: 'all',
    node: true,
  },
  {
    from: 'src/server/backup',
    may: ['proto', 'actors', 'src/server/backup', 'src/server/storage', 'src/server/telemetry'],
    packages: 'all',
    node: true,
  },
  {
    from: 'src/server/directory',
    may: ['proto', 'actors', 'src/server/directory', 'src/server/rates', 'src/server/storage', 'src/server/telemetry'],
    packages: 'all',
    node: true,
  },
  {
    from: 'src/server/report',
    may: ['proto', 'actors', 'src/server/report', 'src/server/telemetry'],
    packages: 'none',
    node: true,
  },
  { from: 'src/server/cluster', may: ['proto', 'actors', 'src/server/cluster'], packages: ['ioredis'], node: true },
  {
    from: 'src/server/telemetry',
    may: ['proto', 'actors', 'src/server/telemetry'],
    packages: ['pino', 'prom-client'],
    node: true,
  },
  { from: 'src/server/rates', may: ['src/server/rates'], packages: 'none', node: true },
  {
    from: 'src/server/auth',
    may: ['proto', 'actors', 'src/server/auth', 'src/server/rates'],
    packages: 'all',
    node: true,
  },
  {
    from: 'src/server/test',
    may: ['proto', 'actors', 'src/server', 'src/client', 'src/cli', 'src/luxid', 'bench/lib'],
    packages: 'all',
    node: true,
  },
  {
    from: 'src/client',
    may: ['proto', 'src/client'],
    packages: [
      '@matrix-org/matrix-sdk-crypto-wasm',
      '@noble/curves',
      '@noble/hashes',
      'fflate',
      '@bufbuild/protobuf',
      'idb',
      'hash-wasm',
    ],
    node: false,
  },
  { from: 'src/client/node', may: ['proto', 'src/client'], packages: 'all', node: true },
  {
    from: 'src/cli',
    // What may be printed is one rule for the terminal client and the server's commands.
    may: ['src/client', 'src/cli', 'proto/gen', 'proto/rules/text'],
    packages: 'all',
    node: true,
  },
  { from: 'src/bots', may: ['src/client', 'src/bots', 'proto/gen'], packages: 'all', node: true },
  { from: 'src/luxid', may: ['src/luxid'], packages: 'all', node: true },
  {
    from: 'bench',
    may: ['bench', 'proto', 'src/client', 'actors', 'src/server', 'src/luxid', 'deploy/dev'],
    packages: 'all',
    node: true,
  },
  { from: 'scripts', may: ['scripts'], packages: 'all', node: true },
  // Starts the services that tests and benches need; must not know what runs on them.
  { from: 'deploy/dev', may: ['deploy/dev'], packages: 'none', node: true },
  // Its two doors into the test runner: what suites call, and what answers them.
  { from: 'deploy/dev/testing', may: ['deploy/dev'], packages: ['vitest'], node: true },
];

const aliases: Readonly<Record<string, string>> = {
  '#proto/': 'proto/',
  '#actors/': 'actors/',
  '#server/': 'src/server/',
  '#client/': 'src/client/',
  '#bench/': 'bench/',
};
const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g;

/** All TypeScript files below a folder, relative to the root. Generated code and node_modules are left out. */
export function sourceFiles(root: string, folders: readonly string[]): string[] {
  return folders.flatMap((folder) => walk(join(root, folder))).map((file) => relative(root, file));
}

/** The sentences of every broken rule in a file; empty when all is well. `file` is relative to `root`. */
export function brokenImports(root: string, file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const rule = ruleFor(file);
  if (!rule) return [`${file}: no import rule covers this file`];
  const test = /\.(test|contract)\.ts$/.test(file) || /(^|\/)test\//.test(file);
  return specifiers(text).flatMap((specifier) => {
    const broken = brokenBy(specifier, { root, file, rule, test });
    return broken ? [`${file} imports ${specifier}: ${broken}`] : [];
  });
}

/** Circles of imports, types included, of more than two files: none of those can be read before the others. Tests are left out. Each sorted. */
export function circles(root: string, files: readonly string[]): string[][] {
  const code = files.filter((file) => !file.endsWith('.test.ts'));
  const imports = new Map(code.map((file) => [file, importedBy(root, file)]));
  const reached = new Map(code.map((file) => [file, reachedFrom(file, imports)]));
  const found = new Map<string, string[]>();
  for (const file of code) {
    const circle = code.filter((other) => reached.get(file)?.has(other) && reached.get(other)?.has(file));
    if (circle.length > 2) found.set(circle.join(), circle);
  }
  return [...found.values()];
}

function importedBy(root: string, file: string): string[] {
  return specifiers(readFileSync(join(root, file), 'utf8')).flatMap((name) => projectPath(name, root, file) ?? []);
}

function reachedFrom(file: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>();
  const open = [...(imports.get(file) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    open.push(...(imports.get(next) ?? []));
  }
  return reached;
}

function brokenBy(
  specifier: string,
  at: { root: string; file: string; rule: ImportRule; test: boolean },
): string | undefined {
  if (specifier.startsWith('node:')) return at.rule.node || at.test ? undefined : 'node modules are not allowed here';
  const inside = projectPath(specifier, at.root, at.file);
  if (inside === undefined) {
    if (at.test || at.rule.packages === 'all') return undefined;
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    return at.rule.packages !== 'none' && at.rule.packages.includes(name)
      ? undefined
      : 'this package is not allowed here';
  }
  if (inside.startsWith('src/web/')) return 'nothing imports the app';
  const own = inside === at.file || dirname(inside) === dirname(at.file);
  if (own || at.rule.may.some((prefix) => inside.startsWith(`${prefix}/`))) return undefined;
  if (at.file === 'src/server/provider.ts' || (at.test && !at.file.startsWith('actors/'))) return undefined;
  return `${at.rule.from} may import only ${at.rule.may.join(', ')}`;
}

function ruleFor(file: string): ImportRule | undefined {
  const covering = importRules.filter((rule) => file === rule.from || file.startsWith(`${rule.from}/`));
  return covering.sort((a, b) => b.from.length - a.from.length)[0];
}

function projectPath(specifier: string, root: string, file: string): string | undefined {
  for (const [alias, path] of Object.entries(aliases))
    if (specifier.startsWith(alias)) return path + specifier.slice(alias.length);
  return specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : undefined;
}

function specifiers(text: string): string[] {
  return [...text.matchAll(importPattern)].map((match) => (match[1] ?? match[2] ?? match[3]) as string);
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'gen' || entry.name === 'node_modules' ? [] : walk(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}
