// How people go: after it an admin signs a CHECKPOINT, and those who remain take new sessions.
import { ControlKind } from '#proto/gen/record.ts';

/** Kinds by which somebody goes, or stays away. */
export const partings: ReadonlySet<ControlKind> = new Set([
  ControlKind.CONTROL_KIND_LEAVE,
  ControlKind.CONTROL_KIND_DECLINE,
  ControlKind.CONTROL_KIND_REMOVE,
  ControlKind.CONTROL_KIND_BAN,
  ControlKind.CONTROL_KIND_DEPART,
]);
