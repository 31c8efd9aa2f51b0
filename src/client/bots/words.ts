// What an app says about bots, in the person's language. It is the app's own text: before an invitation is accepted nothing of the sender's is shown.

import { type Language, languages } from '../backup/words.ts';

export { type Language, languages };

/** The language of a tag such as `fr`, `pt-BR` or `de_LU.UTF-8`; undefined where it is none of the service's. */
export function knownLanguage(tag: string | undefined): Language | undefined {
  const [, first = ''] = /^([a-z]+)(?:[-_.@]|$)/i.exec(tag ?? '') ?? [];
  return languages.find((each) => each === first.toLowerCase());
}

const explanations: Readonly<Record<Language, string>> = {
  lb: 'E Bot ass e Programm, keng Persoun: et äntwert vum selwen. Wat Dir him schreift, ass verschlësselt wéi all aner Message, an nëmmen dëse Bot liest et. Dir kënnt d’Invitatioun unhuelen, se refuséieren a méi spéit nach ëmmer mat him ufänken.',
  fr: 'Un bot est un programme, pas une personne : il répond tout seul. Ce que vous lui écrivez est chiffré comme tout autre message, et seul ce bot le lit. Vous pouvez accepter l’invitation, ou la refuser et vous adresser à lui plus tard.',
  de: 'Ein Bot ist ein Programm, kein Mensch: Er antwortet von selbst. Was Sie ihm schreiben, ist verschlüsselt wie jede andere Nachricht, und nur dieser Bot liest es. Sie können die Einladung annehmen, oder sie ablehnen und ihn später selbst anschreiben.',
  en: 'A bot is a program, not a person: it answers by itself. What you write to it is encrypted like any other message, and only this bot reads it. You can accept the invitation, or decline it and start the bot yourself later.',
  pt: 'Um bot é um programa, não uma pessoa: responde sozinho. O que lhe escreve é cifrado como qualquer outra mensagem, e só este bot o lê. Pode aceitar o convite, ou recusá-lo e iniciar o bot mais tarde.',
};

/** What a bot is: to be shown beside the mark of a bot, above all with its invitation. */
export function botExplanation(language: Language): string {
  return explanations[language];
}
