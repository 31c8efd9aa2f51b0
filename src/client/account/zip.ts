// A zip written as it is asked for, so that nothing of it waits in memory but the piece under way. Without the extension for more than 4 GB, which not every
// program reads: whoever writes one stays below that.
import { Zip, ZipDeflate } from 'fflate';

/** A file of a zip; its bytes are made when its turn comes. */
export interface ZipFile {
  readonly name: string;
  readonly pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** The bytes of a zip with these files, in this order, all of one time (epoch milliseconds). Rejects as its files do. */
export async function* zipped(
  files: AsyncIterable<ZipFile> | Iterable<ZipFile>,
  atMs: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const ready: Uint8Array[] = [];
  let failure: Error | null = null;
  const zip = new Zip((error, piece) => {
    failure ??= error;
    ready.push(piece);
  });
  const taken = () => {
    if (failure !== null) throw failure;
    return ready.splice(0).filter(({ length }) => length > 0);
  };
  for await (const { name, pieces } of files) {
    const file = new ZipDeflate(name, { level: 6 });
    file.mtime = atMs;
    zip.add(file);
    for await (const piece of pieces) {
      file.push(piece, false);
      yield* taken();
    }
    file.push(new Uint8Array(), true);
    yield* taken();
  }
  zip.end();
  yield* taken();
}
