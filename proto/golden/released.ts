// What was released, with its SHA-256. A file of this list never changes, and no line of it goes: whoever speaks that version is still there.

/** Frozen files of golden/: the contract, the bytes of every message, the vectors of the rules. Written by release.ts alone. */
export const released: Readonly<Record<string, string>> = {
  'contract-1.binpb': '3534ff48bf13c6dbee671049987f507784a7af2fd4496b9167a73eda16741967',
  'messages-1.json': '3bdb8bbf9a5cf4759367d5075389da4cf421f99bec4bf2fd5854ba7f39c02d87',
  'rules-1.json': '59628e0ad8fad11f5a40198aa3fb501c456f528880dbe4e7d68fc1f4b43a1426',
};

/** Number of the newest release. */
export const newestRelease = Object.keys(released).length / 3;
