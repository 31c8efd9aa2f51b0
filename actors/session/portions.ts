// Cuts the frames of one socket message into portions for the mailbox, so that a turn can end between two of them: a megabyte of crafted frames is
// decoded in many short turns, not in one long one. For the host, which tells each portion as one `frames` message.

/** Bytes of a portion that is more than one frame, and frames of a portion. */
export const portionBytesMax = 65_536;
export const portionFramesMax = 64;

/** The portions, in order; none is empty. */
export function portionsOf(frames: readonly Uint8Array[]): (readonly Uint8Array[])[] {
  const portions: (readonly Uint8Array[])[] = [];
  let first = 0;
  let bytes = 0;
  frames.forEach((frame, at) => {
    const isFull = bytes + frame.length > portionBytesMax || at - first >= portionFramesMax;
    if (at > first && isFull) {
      portions.push(frames.slice(first, at));
      first = at;
      bytes = 0;
    }
    bytes += frame.length;
  });
  // The usual message is one portion: itself, uncopied.
  if (first === 0) return frames.length === 0 ? [] : [frames];
  portions.push(frames.slice(first));
  return portions;
}
