// The pages that a person sees: plain HTML that works without scripts, with a keyboard, a screen reader and in the dark.
// Every text from outside is escaped here; nothing is loaded from anywhere.
import { createHash } from 'node:crypto';
import { type Labels, type Language, labels } from './labels.ts';

const style = `
:root { color-scheme: light dark; --ink: #1d2733; --soft: #55606d; --paper: #f4f6f8; --card: #fff; --line: #8a94a0; --act: #0b5cab; --bad: #a3161f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ecf0; --soft: #aab4bf; --paper: #14191f; --card: #1d242c; --line: #76818d; --act: #7db7f0; --bad: #ff9a9a; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 8vh 1rem 2rem; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; }
main { max-width: 26rem; margin: 0 auto; padding: 2rem; background: var(--card); border-radius: .75rem; }
h1 { margin: 0 0 1rem; font-size: 1.4rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
.note { color: var(--soft); font-size: .9rem; }
.error { padding: .6rem .8rem; border-left: .25rem solid var(--bad); color: var(--bad); font-weight: 600; }
label { display: block; margin: 0 0 .25rem; font-weight: 600; }
input { width: 100%; min-height: 2.75rem; margin: 0 0 1rem; padding: .4rem .6rem; border: 1px solid var(--line); border-radius: .4rem; background: transparent; color: inherit; font: inherit; }
button { width: 100%; min-height: 2.75rem; padding: .4rem 1rem; border: 1px solid var(--act); border-radius: .4rem; background: var(--act); color: var(--card); font: inherit; font-weight: 600; cursor: pointer; }
button.second { margin-top: .6rem; background: transparent; color: var(--act); }
:focus-visible { outline: .2rem solid var(--act); outline-offset: .15rem; }
`;

/**
 * What the browser may do with a page: show it. `form-action` is not limited, because browsers apply it to the redirects that follow the form
 * too, and the last of them leads to the client.
 */
export const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; frame-ancestors 'none'`;

/** The page that asks for user name and password. `path` is where its forms go; `user` is what was typed before. */
export function passwordPage(language: Language, page: { path: string; user: string; wrong: boolean }): string {
  const words = labels[language];
  const described = page.wrong ? ' aria-describedby="error" aria-invalid="true"' : '';
  return html(language, words.title, [
    page.wrong ? error(words.wrongPassword) : '',
    `<form method="post" action="${escapeHtml(page.path)}/password">`,
    `<label for="user">${escapeHtml(words.user)}</label>`,
    `<input id="user" name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64" value="${escapeHtml(page.user)}"${page.wrong ? '' : ' autofocus'}${described}>`,
    `<label for="password">${escapeHtml(words.password)}</label>`,
    `<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256"${page.wrong ? ' autofocus' : ''}${described}>`,
    `<button>${escapeHtml(words.connect)}</button></form>`,
    cancelForm(words, page.path),
  ]);
}

/** The page that asks for the code. `phoneEnd` are the last two digits of the number. */
export function codePage(language: Language, page: { path: string; phoneEnd: string; wrong: boolean }): string {
  const words = labels[language];
  const described = page.wrong ? 'error' : 'sent';
  return html(language, words.codeTitle, [
    page.wrong ? error(words.wrongCode) : '',
    `<p id="sent">${escapeHtml(words.codeSent)} ${escapeHtml(page.phoneEnd)}</p>`,
    `<form method="post" action="${escapeHtml(page.path)}/code">`,
    `<label for="code">${escapeHtml(words.code)}</label>`,
    `<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" required maxlength="6" autofocus aria-describedby="${described}">`,
    `<button>${escapeHtml(words.proceed)}</button></form>`,
    cancelForm(words, page.path),
  ]);
}

/** The page for a login that is over or was never there. */
export function endedPage(language: Language): string {
  const words = labels[language];
  return html(language, words.title, [error(words.expired)]);
}

function html(language: Language, title: string, body: readonly string[]): string {
  return [
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<title>${escapeHtml(title)}</title><style>${style}</style></head><body><main><h1>${escapeHtml(title)}</h1>`,
    ...body.filter((part) => part !== ''),
    `<p class="note">${escapeHtml(labels[language].standIn)}</p></main></body></html>`,
  ].join('\n');
}

function error(text: string): string {
  return `<p class="error" id="error" role="alert">${escapeHtml(text)}</p>`;
}

function cancelForm(words: Labels, path: string): string {
  return `<form method="post" action="${escapeHtml(path)}/cancel"><p><button class="second">${escapeHtml(words.cancel)}</button></p></form>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
