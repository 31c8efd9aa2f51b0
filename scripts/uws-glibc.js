// Lets uWebSockets.js load where glibc is older than 2.38: it binds its few C23 number parsers to their older twins.
// It does nothing where glibc is new enough, and refuses to touch any symbol it does not know.
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const glibc = process.report.getReport().header.glibcVersionRuntime;
if (!glibc || Number(glibc.split('.')[1]) >= 38) process.exit(0);
const dir = new URL('.', pathToFileURL(createRequire(import.meta.url).resolve('uWebSockets.js')));
for (const f of readdirSync(dir).filter((n) => n.startsWith(`uws_linux_${process.arch}_`))) {
  const p = new URL(f, dir),
    tmp = new URL(`${f}.tmp`, dir),
    b = readFileSync(p);
  if (patch(b)) {
    writeFileSync(tmp, b);
    renameSync(tmp, p);
  }
}
function patch(b) {
  const u16 = (o) => b.readUInt16LE(o),
    u32 = (o) => b.readUInt32LE(o),
    u64 = (o) => Number(b.readBigUInt64LE(o));
  const base = u16(18) === 183 ? 'GLIBC_2.17' : 'GLIBC_2.2.5';
  const sec = Array.from({ length: u16(60) }, (_, i) => u64(40) + i * u16(58)).map((o) => ({
    type: u32(o + 4),
    off: u64(o + 24),
    size: u64(o + 32),
    link: u32(o + 40),
    info: u32(o + 44),
  }));
  const [sym, vs, vn] = [11, 0x6fffffff, 0x6ffffffe].map((t) => sec.find((s) => s.type === t)),
    str = sec[sym.link].off;
  const name = (o) => b.toString('latin1', str + o, b.indexOf(0, str + o));
  let from,
    to,
    n = 0;
  for (let i = 0, o = vn.off; i < vn.info; i++, o += u32(o + 12))
    for (let j = 0, a = o + u32(o + 8); j < u16(o + 2); j++, a += u32(a + 12))
      if (name(u32(o + 4)) === 'libc.so.6') {
        if (name(u32(a + 8)) === base) to = a;
        if (name(u32(a + 8)) === 'GLIBC_2.38') from = a;
      }
  if (!from) return 0;
  for (let s = sym.off, v = vs.off; s < sym.off + sym.size; s += 24, v += 2) {
    if (u16(v) !== u16(from + 6)) continue;
    if (!name(u32(s)).startsWith('__isoc23_')) throw new Error(name(u32(s)));
    b.writeUInt32LE(u32(s) + 9, s);
    b.writeUInt16LE(u16(to + 6), v);
    n++; // "__isoc23_strtol" + 9 = "strtol"
  }
  b.writeUInt32LE(u32(to), from);
  b.writeUInt32LE(u32(to + 8), from + 8);
  return n;
}
