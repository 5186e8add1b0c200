import { m } from '#lib/paraglide/messages.js';
import type { Choices } from './choices.svelte.ts';
import type { DraftStep } from './draft.ts';

type Bag = Record<string, unknown>;
const bag = (value: unknown): Bag => (typeof value === 'object' && value !== null ? (value as Bag) : {});

/** A text of a step in one language: that of the flow, else whichever there is. */
export function textOf(value: unknown, language: string): string {
  if (typeof value === 'string') return value;
  const texts = bag(value);
  return String(texts[language] ?? Object.values(texts)[0] ?? '');
}

/** What is heard, in one line. */
export function heard(say: unknown, language: string, choices: Choices): string {
  if (!Array.isArray(say)) return '';
  return say
    .map((item) => {
      const { prompt, text, number, digits } = bag(item);
      if (typeof prompt === 'string') return choices.soundOf(prompt, language)?.text || prompt;
      return textOf(text ?? number ?? digits, language);
    })
    .filter(Boolean)
    .join(' ');
}

/** What a step does, in one line on the canvas. */
export function summary(step: DraftStep, language: string, choices: Choices): string {
  switch (step.type) {
    case 'play':
    case 'menu':
    case 'gather':
    case 'secure':
      return heard(step.say, language, choices);
    case 'say':
      return textOf(step.text, language);
    case 'queue':
    case 'callback':
    case 'voicemail':
      return step.queueId ? (choices.nameOf(step.queueId) ?? m.unknown()) : '';
    case 'hours':
      return step.hoursId ? (choices.nameOf(step.hoursId) ?? m.unknown()) : '';
    case 'language':
      return String(step.language ?? '');
    case 'set':
      return Object.entries(bag(step.values))
        .map(([name, value]) => `${name} = ${String(value)}`)
        .join(', ');
    case 'condition': {
      const [first] = Array.isArray(step.branches) ? step.branches : [];
      const [one] = Array.isArray(bag(first).all) ? (bag(first).all as unknown[]) : [];
      return String(bag(one).value ?? '');
    }
    case 'http':
      return `${step.method ?? 'GET'} ${step.url ?? ''}`;
    case 'lookup':
      return String(step.number ?? '{{call.from}}');
    case 'transfer': {
      const { number, extension, agentId } = bag(step.to);
      return String(number ?? extension ?? choices.nameOf(agentId) ?? agentId ?? '');
    }
    case 'answer':
    case 'goto':
    case 'hangup':
      return '';
  }
}
