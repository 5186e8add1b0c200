import { durationOf, levelled, MUSIC_DB } from './audio.ts';
import type { NewPrompt } from './prompt-store.ts';
import type { Prompts } from './prompts.ts';
import { NO_LANGUAGE } from './prompts.ts';
import { speak } from './speech.ts';
import { beep, busy, holdMusic, ringback } from './tones.ts';

/** Words of the default set: English, German. An administrator replaces any of them with a recorded voice. */
const WORDS: Record<string, [en: string, de: string]> = {
  greeting: ['Welcome. Thank you for calling.', 'Willkommen. Vielen Dank für Ihren Anruf.'],
  'menu.main': [
    'For sales, press 1. For support, press 2.',
    'Für den Verkauf drücken Sie die 1. Für den Kundendienst drücken Sie die 2.',
  ],
  'menu.invalid': ['Sorry, that is not one of the choices.', 'Diese Auswahl gibt es leider nicht.'],
  'please-wait': [
    'Please hold. The next free colleague will be with you.',
    'Bitte warten Sie. Der nächste freie Mitarbeiter ist gleich für Sie da.',
  ],
  'queue.position': ['You are number', 'Sie sind Nummer'],
  'queue.position-end': ['in line.', 'in der Warteschlange.'],
  'queue.wait': ['Your estimated wait is', 'Ihre Wartezeit beträgt voraussichtlich'],
  'queue.minutes': ['minutes.', 'Minuten.'],
  'queue.wait-short': [
    'Your estimated wait is less than one minute.',
    'Ihre Wartezeit beträgt voraussichtlich weniger als eine Minute.',
  ],
  'queue.wait-long': [
    'Your estimated wait is more than one hour.',
    'Ihre Wartezeit beträgt voraussichtlich mehr als eine Stunde.',
  ],
  'recording-notice': ['This call will be recorded.', 'Dieses Gespräch wird aufgezeichnet.'],
  closed: [
    'We are closed at the moment. Please call again during our opening hours.',
    'Wir sind zurzeit nicht erreichbar. Bitte rufen Sie während unserer Öffnungszeiten wieder an.',
  ],
  holiday: [
    'We are closed today because of a public holiday.',
    'Wegen eines Feiertags sind wir heute nicht erreichbar.',
  ],
  unavailable: [
    'We cannot take your call right now. Please try again later.',
    'Wir können Ihren Anruf im Moment nicht annehmen. Bitte versuchen Sie es später noch einmal.',
  ],
  goodbye: ['Thank you for calling. Goodbye.', 'Vielen Dank für Ihren Anruf. Auf Wiederhören.'],
  'voicemail.greeting': [
    'Please leave a message after the tone.',
    'Bitte hinterlassen Sie eine Nachricht nach dem Signalton.',
  ],
  'voicemail.thanks': ['Thank you. Your message has been saved.', 'Vielen Dank. Ihre Nachricht wurde gespeichert.'],
  'mailbox.greeting': [
    'The person you are calling cannot take your call. Please leave a message after the tone.',
    'Ihr Gesprächspartner ist zurzeit nicht erreichbar. Bitte hinterlassen Sie eine Nachricht nach dem Signalton.',
  ],
  'mailbox.empty': ['You have no new messages.', 'Sie haben keine neuen Nachrichten.'],
  'mailbox.you-have': ['You have', 'Sie haben'],
  'mailbox.message': ['new message.', 'neue Nachricht.'],
  'mailbox.messages': ['new messages.', 'neue Nachrichten.'],
  'mailbox.keys': [
    'Press 7 to delete, 1 to listen again, pound for the next message.',
    'Drücken Sie 7 zum Löschen, 1 zum Wiederholen, Raute für die nächste Nachricht.',
  ],
  'mailbox.deleted': ['The message has been deleted.', 'Die Nachricht wurde gelöscht.'],
  'mailbox.end': ['No more messages. Goodbye.', 'Keine weiteren Nachrichten. Auf Wiederhören.'],
  'callback.confirmed': ['Thank you. We will call you back.', 'Vielen Dank. Wir rufen Sie zurück.'],
  'secure.card': [
    'Please enter your card number, followed by the pound key.',
    'Bitte geben Sie Ihre Kartennummer ein und danach die Rautetaste.',
  ],
  'secure.sorry': ['Sorry, that was not a valid number.', 'Diese Nummer ist leider nicht gültig.'],
  'number.hundred': ['hundred', 'hundert'],
  'number.thousand': ['thousand', 'tausend'],
  'number.one': ['one', 'ein'],
  'digit.star': ['star', 'Stern'],
  'digit.pound': ['pound', 'Raute'],
  'digit.plus': ['plus', 'plus'],
};
for (let n = 0; n < 100; n++) WORDS[`number.${n}`] = [String(n), String(n)];

const SOUNDS: Record<string, () => Int16Array> = {
  'tone.beep': beep,
  'tone.ringback': ringback,
  'tone.busy': busy,
  'music.hold': () => levelled(holdMusic(), MUSIC_DB),
};

/** Names that are always there after set-up. */
export const DEFAULT_PROMPTS: readonly string[] = [...Object.keys(WORDS), ...Object.keys(SOUNDS)];

const AT_ONCE = 4;

/** Makes what is missing of the default set, rows and files; what an administrator changed stays. Returns how many were made. */
export async function makeDefaultPrompts(prompts: Prompts): Promise<number> {
  await prompts.load();
  const existing = new Map((await prompts.store.all()).map((row) => [`${row.name} ${row.language}`, row]));
  const wanted: { name: string; language: string; text: string | null; make: () => Promise<Int16Array> }[] = [];
  for (const [name, [en, de]] of Object.entries(WORDS)) {
    for (const [language, text] of [
      ['en', en],
      ['de', de],
    ] as const)
      wanted.push({ name, language, text, make: () => speak(text, language) });
  }
  for (const [name, make] of Object.entries(SOUNDS))
    wanted.push({ name, language: NO_LANGUAGE, text: null, make: async () => make() });

  const made: NewPrompt[] = [];
  let restored = 0;
  const todo = wanted.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const { name, language, text, make } of todo) {
        const row = existing.get(`${name} ${language}`);
        if (row && (row.source !== 'builtin' || (await prompts.files.has(row.media)))) continue;
        const media = await prompts.files.once(`builtin ${name} ${language}\n${text}`, make);
        const samples = await prompts.files.read(media);
        if (row) {
          restored++; // the row is there, its file was lost
          if (row.media !== media)
            await prompts.store.update(row.id, row.version, { media, durationS: durationOf(samples) });
        } else made.push({ name, language, text, source: 'builtin', media, durationS: durationOf(samples) });
      }
    }),
  );
  const added = await prompts.store.addMissing(made);
  if (added + restored > 0) await prompts.load();
  return added + restored;
}
