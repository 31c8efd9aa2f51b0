// One sample of every message of the contract, the same on every run: empty, full (each field set, each case of a oneof in turn) and with the
// largest values. Made by reflection on the .proto files, so a new message or field is sampled without being listed anywhere.
import { readdirSync } from 'node:fs';
import protobuf from 'protobufjs';
import type { Codec } from '../rules/bytes/canonical.ts';

const folder = new URL('..', import.meta.url);
const modules: { [exported: string]: unknown } = {};
for (const name of readdirSync(new URL('gen', folder))) {
  const url = new URL(`gen/${name}`, folder).href;
  Object.assign(modules, (await import(/* @vite-ignore */ url)) as { [exported: string]: unknown });
}

/** A message in words: field names as in TypeScript, bytes as hex, numbers as numbers; what is unset or zero is left out. */
export type Described = { readonly [field: string]: DescribedValue };
type DescribedValue = string | number | boolean | Described | readonly DescribedValue[];

/** One golden message. */
export interface Golden {
  readonly message: string;
  readonly variant: string;
  readonly json: Described;
  readonly hex: string;
}

type Variant = 'full' | 'edge';

/** Every message type of the contract, by reflection. */
export function messageTypes(): protobuf.Type[] {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => new URL(target, folder).pathname;
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.proto'))
    .sort();
  root.loadSync(files).resolveAll();
  const types: protobuf.Type[] = [];
  const walk = (space: protobuf.NamespaceBase): void => {
    for (const nested of space.nestedArray) {
      if (nested instanceof protobuf.Type) types.push(nested);
      if (nested instanceof protobuf.Namespace) walk(nested);
    }
  };
  walk(root);
  return types.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The generated codec of a message. */
export function codecOf(type: protobuf.Type): Codec<object> {
  const codec = modules[type.name];
  if (typeof codec !== 'object' || codec === null || !('decode' in codec)) throw new Error(`no codec for ${type.name}`);
  return codec as unknown as Codec<object>;
}

/** All samples. */
export function allSamples(): Golden[] {
  return messageTypes().flatMap((type) => {
    const samples = [golden(type, 'empty', codecOf(type).decode(new Uint8Array(0)))];
    const cases = casesOf(type);
    for (const variant of ['full', 'edge'] as const) {
      if (type.fieldsArray.length === 0) continue;
      if (cases.length === 0) samples.push(golden(type, variant, build(type, variant)));
      for (const chosen of cases) samples.push(golden(type, `${variant} ${chosen.name}`, build(type, variant, chosen)));
    }
    return samples;
  });
}

/** What ts-proto decoded, in words. */
export function describeGenerated(type: protobuf.Type, message: object): Described {
  return describe(type, message, (holder, field) => {
    const choice = unionOf(field);
    if (choice === null) return holder[field.name];
    const chosen = holder[choice] as { $case: string; value: unknown } | undefined;
    return chosen?.$case === field.name ? chosen.value : undefined;
  });
}

/** What protobufjs decoded, in words. */
export function describeReflected(type: protobuf.Type, message: object): Described {
  return describe(type, message, (holder, field) =>
    Object.hasOwn(holder, field.name) ? holder[field.name] : undefined,
  );
}

type Holder = { readonly [field: string]: unknown };

function describe(
  type: protobuf.Type,
  message: object,
  read: (holder: Holder, field: protobuf.Field) => unknown,
): Described {
  const words: { [field: string]: DescribedValue } = {};
  const one = (field: protobuf.Field, value: unknown): DescribedValue => {
    if (field.resolvedType instanceof protobuf.Type) return describe(field.resolvedType, value as object, read);
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    return typeof value === 'object' ? Number(String(value)) : (value as DescribedValue);
  };
  for (const field of type.fieldsArray) {
    const value = read(message as Holder, field);
    if (value === undefined || value === null) continue;
    const said = Array.isArray(value) ? value.map((item) => one(field, item)) : one(field, value);
    const isNothing = said === 0 || said === '' || said === false || (Array.isArray(said) && said.length === 0);
    if (!isNothing || unionOf(field) !== null) words[field.name] = said;
  }
  return words;
}

function golden(type: protobuf.Type, variant: string, message: object): Golden {
  const hex = Buffer.from(codecOf(type).encode(message).finish()).toString('hex');
  return { message: type.name, variant, json: describeGenerated(type, message), hex };
}

/** The name of the oneof that a field belongs to; null for plain fields and proto3 `optional`. */
function unionOf(field: protobuf.Field): string | null {
  return field.partOf === null || field.partOf.name.startsWith('_') ? null : field.partOf.name;
}

function casesOf(type: protobuf.Type): protobuf.Field[] {
  return type.fieldsArray.filter((field) => unionOf(field) !== null);
}

function build(type: protobuf.Type, variant: Variant, chosen = casesOf(type)[0]): object {
  const message: { [field: string]: unknown } = {};
  for (const field of type.fieldsArray) {
    const union = unionOf(field);
    if (union !== null && field !== chosen) continue;
    const value = field.repeated
      ? [sampleValue(field, variant, 0), sampleValue(field, variant, 1)]
      : sampleValue(field, variant, 0);
    if (union === null) message[field.name] = value;
    else message[union] = { $case: field.name, value };
  }
  return { ...codecOf(type).decode(new Uint8Array(0)), ...message };
}

function sampleValue(field: protobuf.Field, variant: Variant, index: number): unknown {
  if (field.resolvedType instanceof protobuf.Type) return build(field.resolvedType, variant);
  const seed = field.id + 100 * index;
  const isEdge = variant === 'edge';
  // An enum value of a later version: it has to survive.
  if (field.resolvedType instanceof protobuf.Enum) return isEdge ? 4_999 : Object.values(field.resolvedType.values)[1];
  switch (field.type) {
    case 'string':
      return isEdge ? `é ✓ 🙂 \u0000 ${seed}` : `${field.name} ${seed}`;
    case 'bytes':
      return Uint8Array.from({ length: isEdge ? 130 : 8 }, (_, i) => (seed * 31 + i * 7) & 0xff);
    case 'bool':
      return true;
    case 'double':
      return isEdge ? -179.999_999_999 : seed + 0.5;
    case 'uint32':
      return isEdge ? 0xffff_ffff : seed;
    case 'uint64':
      return isEdge ? Number.MAX_SAFE_INTEGER : 2 ** 33 + seed;
    default:
      throw new Error(`no sample for a field of type ${field.type}`);
  }
}
