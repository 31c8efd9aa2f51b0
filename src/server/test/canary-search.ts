// Looks for a text in bytes, in every shape that a careless program might leave it in.

/** Some bytes, and where they lie. */
export interface Place {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The shapes of a text: UTF-8, UTF-16 in both orders, hex in both cases, and base64 at each of its three offsets (both alphabets). */
export function needlesOf(text: string): Readonly<Record<string, Buffer>> {
  const utf8 = Buffer.from(text);
  const little = Buffer.from(text, 'utf16le');
  const shapes: Record<string, Buffer> = {
    'UTF-8': utf8,
    'UTF-16 little endian': little,
    'UTF-16 big endian': Buffer.from(little).swap16(),
    hex: Buffer.from(utf8.toString('hex')),
    'hex in capitals': Buffer.from(utf8.toString('hex').toUpperCase()),
    'JSON of bytes': Buffer.from([...utf8].join(',')),
  };
  for (let offset = 0; offset < 3; offset++) {
    const encoded = Buffer.concat([Buffer.alloc(offset), utf8])
      .toString('base64')
      .replace(/=+$/, '');
    // Letters at both ends also hold bits of the neighbours: only those between are always the same.
    const inner = encoded.slice(
      offset === 0 ? 0 : offset + 1,
      encoded.length - ((utf8.length + offset) % 3 === 0 ? 0 : 1),
    );
    shapes[`base64 at offset ${offset}`] = Buffer.from(inner);
    shapes[`base64url at offset ${offset}`] = Buffer.from(inner.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return shapes;
}

/** The same shapes as a program would really write them: encoded among other bytes, not cut out. */
export function plantsOf(text: string): Readonly<Record<string, Buffer>> {
  const plants = { ...needlesOf(text) };
  for (const form of Object.keys(plants)) {
    const offset = Number(/^base64.*offset (\d)$/.exec(form)?.[1] ?? Number.NaN);
    if (Number.isNaN(offset)) continue;
    const around = Buffer.concat([Buffer.alloc(3 + offset, 0xa7), Buffer.from(text), Buffer.alloc(5, 0x5c)]);
    plants[form] = Buffer.from(around.toString(form.startsWith('base64url') ? 'base64url' : 'base64'));
  }
  return plants;
}

/** Each shape that was found, with the place. */
export function search(needles: Readonly<Record<string, Buffer>>, places: readonly Place[]): string[] {
  return places.flatMap(({ name, bytes }) =>
    Object.entries(needles).flatMap(([form, needle]) => (bytes.includes(needle) ? [`${form} in ${name}`] : [])),
  );
}
