// The shape of what is said most, and of what all other content is made from.
import type { Content } from '#proto/gen/content.ts';

/** Content of a plain text. */
export function textContent(text: string): Content {
  return {
    body: { $case: 'text', value: { text } },
    replyTo: undefined,
    disappearSeconds: 0,
    mentions: [],
    forwarded: false,
  };
}
