// What golden/rules.json and those of every release say is refused is refused, and for the reason that they say; every reason of the closed lists has a
// vector. Read from the files as another implementation would.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ControlEntry, EventHeader, type Person, SlotWrite } from './gen/record.ts';
import { testPrimitives } from './golden/cast.ts';
import type { ruleVectors } from './golden/rule-vectors.ts';
import { fromHex } from './rules/bytes/base.ts';
import { noBytes, utf8Bytes } from './rules/bytes/bytes.ts';
import { applyControl, type ControlContext } from './rules/control/chain.ts';
import { type ControlFault, controlFaults } from './rules/control/fault.ts';
import type { ControlState } from './rules/control/state.ts';
import { followManifest, type KnownManifest, type ManifestFault } from './rules/identity/manifest.ts';
import { Roll } from './rules/identity/roll.ts';
import { decodeHeader } from './rules/record/event.ts';
import { type BindingFault, openPayload } from './rules/record/payload.ts';

type Vectors = ReturnType<typeof ruleVectors>;
const folder = new URL('golden/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Vectors;
const files = readdirSync(folder).filter((name) => /^rules(-\d+)?\.json$/.test(name));
const bytes = (hex: string): Uint8Array => fromHex(hex) ?? noBytes;
const entryOf = ({ signed, signature }: { signed: string; signature: string }): ControlEntry => ({
  signed: bytes(signed),
  signature: bytes(signature),
});

function rollOf(cast: Vectors['refused']['cast']): Roll {
  const known = new Roll(testPrimitives);
  for (const { member, user, salt, fingerprint, device, deviceJson, selfSigningJson } of cast) {
    const person: Person = { member, user, salt: bytes(salt), fingerprint: bytes(fingerprint), bot: false };
    known.addPerson(person);
    const json = { deviceJson: utf8Bytes(deviceJson!), selfSigningJson: utf8Bytes(selfSigningJson!) };
    known.addCredential({ member, device, ...json });
  }
  return known;
}

describe.each(files)('%s', (file) => {
  const { refused, canonicalHeaders } = read(file);
  // Older ones know fewer reasons: what they lack is no test left out.
  const newest = (name: string, test: () => void) => {
    if (file === 'rules.json') it(name, test);
  };

  describe('a control entry', () => {
    const base = { primitives: testPrimitives, roll: rollOf(refused.cast), providerOf: () => undefined, fresh: true };

    it.each(refused.entries)('$name is $fault', ({ chain, fault, ...entry }) => {
      const { room, entries } = refused.chainsBefore[chain];
      let state: ControlState | null = null;
      for (const before of entries) {
        const context: ControlContext = { ...base, room, seq: before.seq };
        const result = applyControl(state, entryOf(before), context);
        expect(result.invalid).toBe(undefined);
        state = result.state ?? null;
      }
      const seq = (entries.at(-1)?.seq ?? 0) + 1;
      expect(applyControl(state, entryOf(entry), { ...base, room, seq }).invalid).toBe(fault);
    });

    newest('is refused for every reason', () => {
      const named = new Set<ControlFault>(refused.entries.map(({ fault }) => fault));
      expect(Object.keys(controlFaults).filter((fault) => !named.has(fault as ControlFault))).toEqual([]);
    });
  });

  describe('a manifest', () => {
    const context = { user: '@ada:alpha.lu', primitives: testPrimitives };
    const manifestOf = (told: Vectors['refused']['knownManifests'][number]) => ({
      ...entryOf(told),
      backupSignature: bytes(told.backupSignature ?? ''),
      credential: {
        member: 0,
        device: 0,
        deviceJson: utf8Bytes(told.deviceJson),
        selfSigningJson: utf8Bytes(told.selfSigningJson),
      },
    });

    it.each(refused.manifests)('$name is $fault', ({ known, fault, ...manifest }) => {
      let before: KnownManifest | null = null;
      for (const told of refused.knownManifests.slice(0, known)) {
        const result = followManifest(before, manifestOf(told), context);
        expect(result.invalid).toBe(undefined);
        before = result.known ?? null;
      }
      expect(followManifest(before, manifestOf(manifest), context).invalid).toBe(fault);
    });

    newest('is refused for every reason', () => {
      const reasons: { [fault in ManifestFault]: true } = {
        MALFORMED: true,
        WRONG_USER: true,
        WRONG_SIGNER: true,
        WRONG_CREDENTIAL: true,
        BAD_SIGNATURE: true,
        DEVICE_REUSED: true,
        BACKUP_ROLLED_BACK: true,
        STALE: true,
        GAP: true,
        FORK: true,
      };
      expect(new Set(refused.manifests.map(({ fault }) => fault))).toEqual(new Set(Object.keys(reasons)));
    });
  });

  describe('a payload', () => {
    it.each(refused.payloads)('with $name is $fault', ({ header, write, frankingKey, inner, fault }) => {
      const payload = { frankingKey: bytes(frankingKey), inner: bytes(inner) };
      const options = { write: write === '' ? null : SlotWrite.decode(bytes(write)), primitives: testPrimitives };
      expect(openPayload(EventHeader.decode(bytes(header)), payload, options)).toBe(fault);
    });

    newest('is refused for every reason', () => {
      const reasons: { [fault in BindingFault]: true } = {
        MALFORMED: true,
        COMMITMENT: true,
        ROOM: true,
        MEMBER: true,
        DEVICE: true,
        SEND_ID: true,
        KIND: true,
        COUNTS: true,
        CONTROL: true,
        EXPIRY_DAY: true,
        SLOT: true,
        SLOT_VERSION: true,
      };
      expect(new Set(refused.payloads.map(({ fault }) => fault))).toEqual(new Set(Object.keys(reasons)));
    });
  });

  describe('a header', () => {
    it.each(canonicalHeaders)('$name: $accepted', ({ header, accepted }) => {
      expect(typeof decodeHeader(bytes(header)) !== 'number').toBe(accepted);
    });
  });
});
