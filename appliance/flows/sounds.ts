import { greetingOf } from './greetings.ts';
import { sayNumber } from './numbers.ts';
import { NO_LANGUAGE, type Prompts } from './prompts.ts';

/** Standing sounds as media names, for calls that no flow leads: music, tones, what is said in a queue. */
export function createSounds({
  prompts,
  musicOf = () => null,
}: {
  prompts: Prompts;
  /** The prompt that a queue has for its music. */
  musicOf?: (queueId: string) => string | null | undefined;
}) {
  const NAMES = {
    closed: ['closed'],
    goodbye: ['goodbye'],
    unavailable: ['unavailable'],
    // The tone belongs to it: the greeting announces it.
    voicemail: ['voicemail.greeting', 'tone.beep'],
    'voicemail-thanks': ['voicemail.thanks', 'goodbye'],
    'callback-confirmed': ['callback.confirmed', 'goodbye'],
    beep: ['tone.beep'],
  } as const;
  return {
    music(queueId: string | null): string[] {
      const chosen = queueId === null ? undefined : musicOf(queueId);
      const own = chosen ? prompts.chosen(chosen, '*') : undefined;
      return own ? [own.media] : prompts.media(['music.hold'], '*');
    },
    chosen(promptId: string, language: string): string[] {
      const item = prompts.chosen(promptId, language);
      return item ? [item.media] : [];
    },
    get ringback(): string[] {
      return prompts.media(['tone.ringback'], '*');
    },
    get busy(): string[] {
      return prompts.media(['tone.busy'], '*');
    },
    /** To a caller in a queue without a flow: the place, and how long it will be when that is known. */
    waiting(language: string, place: { position: number | null; estimatedWaitS: number | null }): string[] {
      const names = ['please-wait'];
      if (place.position !== null && place.position > 0)
        names.push('queue.position', ...sayNumber(place.position), 'queue.position-end');
      if (place.estimatedWaitS !== null && place.estimatedWaitS >= 60 && place.estimatedWaitS <= 3600) {
        names.push('queue.wait', ...sayNumber(Math.ceil(place.estimatedWaitS / 60)), 'queue.minutes');
      }
      return prompts.media(names, language);
    },
    prompt: (name: keyof typeof NAMES, language: string): string[] => prompts.media([...NAMES[name]], language),
    /** Any prompts by name, for example an announcement chosen by an administrator. */
    named: (names: string | string[], language: string): string[] => prompts.media([names].flat(), language),
    number: (value: number, language: string): string[] => prompts.media(sayNumber(value), language),
    /** Before a message for somebody: their own recording, or the one of the house. */
    greeting(agentId: string, language: string): string[] {
      const own = prompts.media([greetingOf(agentId)], NO_LANGUAGE);
      return own.length ? own : prompts.media(['mailbox.greeting'], language);
    },
  };
}
