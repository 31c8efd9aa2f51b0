// POST /auth/grant: turns the one-time code of a step-up into a grant for the device that asks. README.md of the folder above is its manual.
import { isRefusal, refuse } from '../codes.ts';
import type { AuthRequest } from './request.ts';
import { json } from './request.ts';
import { type Answered, anyToken, type Desk, oneTimeValue, spendLogin, verifierShape } from './routes.ts';
import { readFields } from './shape.ts';

/** The code is gone whatever the answer is, but where the access token is not good: then the device refreshes it and asks again. */
export async function grant(desk: Desk, request: AuthRequest): Answered {
  const { devices, grants, store, limits, log } = desk;
  const shape = {
    login: { shape: oneTimeValue },
    verifier: { shape: verifierShape },
    accessToken: { shape: anyToken },
  };
  const fields = readFields(request, shape, limits.bodyBytesMax);
  if (isRefusal(fields)) return fields;
  const device = await devices.verify(fields.accessToken);
  if (device === null) return refuse('TOKEN_INVALID');
  const login = await spendLogin(desk, fields);
  if (login?.purpose === undefined) {
    log.warn(login === null ? 'auth.login-invalid' : 'auth.grant-of-login');
    return refuse('LOGIN_INVALID');
  }
  // Someone else's login, or that of a person without an account: whoever asks hears no difference, and nothing of who has one.
  if ((await store.userOf(login.subjectHash)) !== device.userId) {
    log.warn('auth.step-up-of-another');
    return refuse('LOGIN_INVALID');
  }
  const given = await grants.give(device, login.purpose);
  if (isRefusal(given)) return given;
  log.info(`auth.grant-given.${login.purpose}`);
  return json(200, { ...given });
}
