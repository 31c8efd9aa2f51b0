// What steers a terminal: control characters, and those that turn the writing direction. Whoever prints what others wrote, or writes it into a file that people
// look at, lets it through here: such letters are shown, not obeyed.
const control = /\p{Cc}/gu;
const direction = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;
/** JSON escapes line breaks and their like by itself, and leaves these as they are. */
const leftByJson = /[\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** The text on its lines; what comes after a line break begins with `indent`, so that nobody can write a line that looks like another's. */
export function steadyText(text: string, indent: string): string {
  return text
    .replace(control, (letter) => (letter === '\n' ? `\n${indent}` : letter === '\t' ? ' ' : '\uFFFD'))
    .replace(direction, '\uFFFD');
}

/** As JSON on one line; the value is the same. */
export function steadyJson(value: object): string {
  const escaped = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(leftByJson, escaped);
}
