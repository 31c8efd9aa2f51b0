// Looks for a text, or for the bytes of a key, among bytes: in every shape that a careless program might leave it in.

/** Some bytes, and where they lie. */
export interface Place {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The shapes of a text: UTF-8, UTF-16 in both orders, and those of its bytes. */
export function needlesOf(text: string): Readonly<Record<string, Buffer>> {
  const little = Buffer.from(text, 'utf16le');
  const wide = { 'UTF-16 little endian': little, 'UTF-16 big endian': Buffer.from(little).swap16() };
  return { 'UTF-8': Buffer.from(text), ...wide, ...shapesOf(Buffer.from(text)) };
}

/** The shapes of a key: its bytes and what is made of them. */
export function keyNeedlesOf(key: Uint8Array): Readonly<Record<string, Buffer>> {
  return { bytes: Buffer.from(key), ...shapesOf(Buffer.from(key)) };
}

/** Hex in both cases, JSON, and base64 at each of its three offsets (both alphabets). */
function shapesOf(bytes: Buffer): Record<string, Buffer> {
  const shapes: Record<string, Buffer> = {
    hex: Buffer.from(bytes.toString('hex')),
    'hex in capitals': Buffer.from(bytes.toString('hex').toUpperCase()),
    'JSON of bytes': Buffer.from([...bytes].join(',')),
  };
  for (let offset = 0; offset < 3; offset++) {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // Letters at both ends also hold bits of the neighbours: only those between are always the same.
    const inner = encoded.slice(
      offset === 0 ? 0 : offset + 1,
      encoded.length - ((bytes.length + offset) % 3 === 0 ? 0 : 1),
    );
    shapes[`base64 at offset ${offset}`] = Buffer.from(inner);
    shapes[`base64url at offset ${offset}`] = Buffer.from(inner.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return shapes;
}

/** The same shapes as a program would really write them: encoded among other bytes, not cut out. */
export function plantsOf(
  needles: Readonly<Record<string, Buffer>>,
  bytes: Uint8Array,
): Readonly<Record<string, Buffer>> {
  const plants = { ...needles };
  for (const form of Object.keys(plants)) {
    const offset = Number(/^base64.*offset (\d)$/.exec(form)?.[1] ?? Number.NaN);
    if (Number.isNaN(offset)) continue;
    const around = Buffer.concat([Buffer.alloc(3 + offset, 0xa7), bytes, Buffer.alloc(5, 0x5c)]);
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
