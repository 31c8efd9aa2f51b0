// Reads a CPU profile and says which functions cost most by themselves, and which with all that they call.
// Run: node bench/lib/dear.ts FILE [rows]
import { readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';

const [file = '', rows = '40'] = process.argv.slice(2);
const { nodes, samples = [], timeDeltas = [] } = JSON.parse(readFileSync(file, 'utf8')) as Profiler.Profile;
const byId = new Map(nodes.map((node) => [node.id, node]));
const own = new Map<number, number>();
samples.forEach((id, n) => void own.set(id, (own.get(id) ?? 0) + (timeDeltas[n] ?? 0)));
const busy = [...own].reduce((sum, [id, micros]) => sum + (nameOf(id) === '(idle)' ? 0 : micros), 0);
const selfMicros = new Map<string, number>();
const totalMicros = new Map<string, number>();
for (const root of nodes.filter(({ callFrame }) => callFrame.functionName === '(root)')) walk(root.id, new Set());

function walk(id: number, above: ReadonlySet<string>): number {
  const name = nameOf(id);
  let total = own.get(id) ?? 0;
  add(selfMicros, name, total);
  const inside = new Set(above).add(name);
  for (const child of byId.get(id)?.children ?? []) total += walk(child, inside);
  // Recursion counts once.
  if (!above.has(name)) add(totalMicros, name, total);
  return total;
}

function nameOf(id: number): string {
  const { functionName = '', url = '', lineNumber = 0 } = byId.get(id)?.callFrame ?? {};
  const place =
    url === '' ? '' : ` ${url.replace(/^.*\/(?=(src|actors|proto|node_modules|bench)\/)/, '')}:${lineNumber + 1}`;
  return `${functionName || '(anonymous)'}${place}`;
}

function add(to: Map<string, number>, name: string, micros: number): void {
  to.set(name, (to.get(name) ?? 0) + micros);
}

function print(title: string, of: Map<string, number>): void {
  console.log(`${title} (% of ${Math.round(busy / 1000)} ms busy)`);
  const sorted = [...of].filter(([name]) => name !== '(idle)').sort((a, b) => b[1] - a[1]);
  for (const [name, micros] of sorted.slice(0, Number(rows)))
    console.log(`${((100 * micros) / busy).toFixed(1).padStart(6)}  ${name}`);
}

print('by itself', selfMicros);
print('with what it calls', totalMicros);
