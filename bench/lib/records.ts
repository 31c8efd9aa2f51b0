// Counts records in pushed frames without decoding them, in Node and in k6: what thousands of receivers cost would else be mostly decoding.

/** Is this an encoded ServerFrame with RoomRecords? That is field 32, and no request number stands before it. */
export function isRoomRecords(bytes: Uint8Array): boolean {
  return bytes[0] === 0x82 && bytes[1] === 0x02;
}

/** Records of an encoded ServerFrame{room_records}: how many times field 2 stands in it. */
export function recordsIn(bytes: Uint8Array): number {
  let at = 2;
  while ((bytes[at++] as number) >= 0x80);
  let records = 0;
  while (at < bytes.length) {
    if (bytes[at++] === 0x12) records += 1;
    let length = 0;
    let shift = 0;
    let byte: number;
    do {
      byte = bytes[at++] as number;
      length |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80);
    at += length;
  }
  return records;
}
