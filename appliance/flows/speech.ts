import { AppError } from '#appliance/kernel/errors.ts';
import { levelled, RATE, resampled, SPEECH_DB, trimmed } from './audio.ts';
import { runBounded } from './children.ts';

export const MAX_TEXT = 2000;
const VOICES: Record<string, string> = { en: 'en-us', de: 'de' };

/**
 * A text as sound, by espeak-ng.
 *
 * @throws {AppError} empty-text, too-long, language-not-spoken.
 */
export async function speak(text: string, language: string): Promise<Int16Array> {
  const clean = text.replace(/\p{Cc}/gu, ' ').trim();
  if (clean === '') throw new AppError('invalid', 'empty-text', 'There is nothing to say. Write a text.');
  if (clean.length > MAX_TEXT)
    throw new AppError('invalid', 'too-long', `The text is longer than ${MAX_TEXT} characters. Say it in two prompts.`);
  const voice = VOICES[language] ?? VOICES[language.slice(0, 2)] ?? language;
  // The text goes in by standard input: as an argument it could be taken for an option.
  const { code, stdout } = await runBounded(
    'espeak-ng',
    ['-v', voice, '-s', '155', '-b', '1', '--stdin', '--stdout'],
    { timeoutMs: 30_000, cpuS: 30, memoryBytes: 1024 ** 3, maxOutputBytes: 64 * 1024 * 1024 },
    Buffer.from(clean, 'utf8'),
  );
  if (code !== 0 || stdout.length < 46 || stdout.toString('latin1', 0, 4) !== 'RIFF') {
    throw new AppError(
      'invalid',
      'language-not-spoken',
      `No voice speaks "${language}". Upload a recording, or choose another language.`,
    );
  }
  const rate = stdout.readUInt32LE(24);
  const samples = new Int16Array((stdout.length - 44) >> 1);
  for (let index = 0; index < samples.length; index++) samples[index] = stdout.readInt16LE(44 + index * 2);
  return levelled(trimmed(resampled(samples, rate, RATE)), SPEECH_DB);
}
