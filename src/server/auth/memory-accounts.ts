// The account store in memory: for tests and the simulator. Forgets everything with the process; otherwise exactly the port's promises.
import type { AccountStore, DeviceRow, LoginAttempt, PendingLogin, StepUpGrant, TokenFamily } from './ports.ts';

/** Makes an empty store. */
export function memoryAccounts(): AccountStore {
  const attempts = new Map<string, LoginAttempt>();
  const logins = new Map<string, PendingLogin>();
  const grants = new Map<string, StepUpGrant>();
  const attemptOf = new Map<string, string>();
  const reserved = new Set<string>();
  const subjects = new Map<string, string>();
  const devices = new Map<string, DeviceRow>();
  const families = new Map<string, TokenFamily>();
  return {
    async putAttempt(key, attempt) {
      attempts.set(key, structuredClone(attempt));
    },
    takeAttempt: async (key) => take(attempts, key),
    async putLogin(key, login) {
      logins.set(key, structuredClone(login));
    },
    takeLogin: async (key) => take(logins, key),
    async putGrant(key, grant) {
      grants.set(key, structuredClone(grant));
    },
    readGrant: async (key) => structuredClone(grants.get(key) ?? null),
    async useGrant(key, attempt) {
      if (!grants.has(key)) return false;
      const first = attemptOf.get(key) ?? attempt;
      attemptOf.set(key, first);
      return first === attempt;
    },
    async reserveUserId(userId) {
      if (reserved.has(userId)) return false;
      reserved.add(userId);
      return true;
    },
    userOf: async (subjectHash) => subjects.get(subjectHash) ?? null,
    async claimSubject(subjectHash, userId) {
      const holder = subjects.get(subjectHash) ?? userId;
      subjects.set(subjectHash, holder);
      return holder;
    },
    async releaseSubject(subjectHash, userId) {
      return subjects.get(subjectHash) === userId && subjects.delete(subjectHash);
    },
    readDevices: async (userId) => structuredClone(devices.get(userId) ?? null),
    writeDevices: async (userId, row) => replace(devices, userId, row),
    readFamily: async (key) => structuredClone(families.get(key) ?? null),
    writeFamily: async (key, family) => replace(families, key, family),
    removeFamily: async (key) => families.delete(key),
    async sweep(nowMs, rowsMax) {
      let removed = 0;
      for (const table of [attempts, logins, grants] as const) {
        for (const [key, row] of table)
          if (removed < rowsMax && row.expiresMs < nowMs && table.delete(key)) removed += 1;
      }
      for (const key of attemptOf.keys()) if (!grants.has(key)) attemptOf.delete(key);
      const ended = [...families].filter(([, { expiresMs }]) => expiresMs < nowMs).slice(0, rowsMax - removed);
      return { removed, ended: ended.map(([key, family]) => ({ key, family: structuredClone(family) })) };
    },
  };
}

function take<Row>(table: Map<string, Row>, key: string): Row | null {
  const row = table.get(key) ?? null;
  table.delete(key);
  return row;
}

function replace<Row extends { readonly version: number }>(table: Map<string, Row>, key: string, row: Row): boolean {
  if ((table.get(key)?.version ?? 0) !== row.version - 1) return false;
  table.set(key, structuredClone(row));
  return true;
}
