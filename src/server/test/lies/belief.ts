// How it shows that Alice believes a lie, where more than one lie would lead to the same.
import { type Scene, sharesWith, texts } from '../liar-scene.ts';

/** A user whom nobody invited. */
export const mallory = '@mallory0000:localhost';

/** She takes a stranger for a member. */
export const knowsMallory = async ({ alice, room }: Scene) => alice.members(room).some(({ user }) => user === mallory);

/** She signs her consent, or anything else, in a room in which she is not yet. */
export const consents = async ({ liar, room }: Scene) =>
  liar.asked.some((asked) => asked.$case === 'submit' && asked.value.room === room);

/** She goes on writing in the room. */
export const goesOn = async ({ alice, room }: Scene) => alice.room(room).frozen === '';

/** She sees this text, so many times. */
export const shows =
  (text: string, times = 1) =>
  async ({ alice, room }: Scene) =>
    (await texts(alice, room)).filter((line) => line.text === text).length >= times;

/** She encrypts to the second device of the room's owner. */
export async function sharesWithSecond(scene: Scene): Promise<boolean> {
  return sharesWith(scene, scene.bob.user, scene.second?.deviceId);
}
