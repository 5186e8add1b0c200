import { sayNumber } from './numbers.ts';
import type { Prompts } from './prompts.ts';

/** Standing sounds as media names, for calls that no flow leads: music, tones, what is said in a queue. */
export function createSounds({ prompts }: { prompts: Prompts }) {
  const NAMES = {
    closed: ['closed'],
    goodbye: ['goodbye'],
    unavailable: ['unavailable'],
    voicemail: ['voicemail.greeting'],
    beep: ['tone.beep'],
  } as const;
  return {
    music: (_queueId: string | null): string[] => prompts.media(['music.hold'], '*'),
    get ringback(): string[] {
      return prompts.media(['tone.ringback'], '*');
    },
    get busy(): string[] {
      return prompts.media(['tone.busy'], '*');
    },
    /** To a caller in a queue without a flow: the place, and how long it will be when that is known. */
    waiting(language: string, place: { position: number; estimatedWaitS: number | null }, _queueId: string): string[] {
      const names = ['please-wait'];
      if (place.position > 0) names.push('queue.position', ...sayNumber(place.position), 'queue.position-end');
      if (place.estimatedWaitS !== null && place.estimatedWaitS >= 60 && place.estimatedWaitS <= 3600) {
        names.push('queue.wait', ...sayNumber(Math.ceil(place.estimatedWaitS / 60)), 'queue.minutes');
      }
      return prompts.media(names, language);
    },
    prompt: (name: keyof typeof NAMES, language: string): string[] => prompts.media([...NAMES[name]], language),
    /** Any prompt by name, for example an announcement chosen by an administrator. */
    named: (name: string, language: string): string[] => prompts.media([name], language),
  };
}
