import type { Scalar } from '#appliance/contract/flow.ts';
import type { FlowHost, Gathered, PlayItem, QueueOutcome, TransferEnd } from './host.ts';

export interface TextHostOptions {
  /** One entry per question: '2', '123456#', or '' for a caller who presses nothing. */
  digits: string[];
  call?: Record<string, Scalar>;
  /** How waiting in a queue goes; digits of the next entry leave it when they are an escape. */
  queue?: QueueOutcome;
  transfer?: TransferEnd;
  /** Names for ids in the transcript. */
  nameOf?: (id: string) => string | undefined;
  print: (line: string) => void;
}

/** A flow without a call: what would be heard becomes lines, digits come from a list. */
export function createTextHost({
  digits,
  call = {},
  queue = { end: 'connected' },
  transfer = 'connected',
  nameOf,
  print,
}: TextHostOptions): FlowHost {
  const answers = [...digits];
  let answered = false;
  let secure = false;
  const named = (id: string | undefined): string => (id === undefined ? 'nobody' : (nameOf?.(id) ?? id));
  const said = (items: PlayItem[]): string => items.map(({ text, media }) => text || media).join(' ');

  return {
    call,
    get answered() {
      return answered;
    },
    async answer() {
      answered = true;
      print('answer');
    },
    async play(items, { interruptedBy, loop, signal }) {
      if (signal?.aborted) return 'aborted';
      if (items.length > 0) print(`${loop ? 'music ' : 'says  '} "${said(items)}"`);
      const next = answers[0];
      if (loop) return next && interruptedBy.includes(next[0]!) ? 'digit' : 'aborted';
      return next && interruptedBy.includes(next[0]!) ? 'digit' : 'finished';
    },
    async gather({ max, terminator }): Promise<Gathered> {
      const typed = answers.shift() ?? '';
      const end = terminator === null ? -1 : typed.indexOf(terminator);
      const taken = (end === -1 ? typed : typed.slice(0, end)).slice(0, max);
      print(taken === '' ? 'hears  nothing' : `hears  ${secure ? '****' : taken}`);
      return { digits: taken, end: end !== -1 ? 'terminator' : taken.length >= max ? 'max' : 'timeout' };
    },
    clearDigits() {},
    language(language) {
      print(`language ${language}`);
    },
    async enqueue({ queueId, priority, skills, preferredAgentId }) {
      const details = [
        priority !== 0 && `priority ${priority}`,
        skills.length > 0 && `skills ${skills.map(({ skillId, level }) => `${named(skillId)} ≥ ${level}`).join(', ')}`,
        preferredAgentId && `preferred ${named(preferredAgentId)}`,
      ];
      print(
        `queue  ${named(queueId)}${details.filter(Boolean).length > 0 ? ` (${details.filter(Boolean).join('; ')})` : ''}`,
      );
      let settle: (outcome: QueueOutcome) => void = () => {};
      const outcome = new Promise<QueueOutcome>((resolve) => {
        settle = resolve;
      });
      if (queue.end === 'refused') settle(queue);
      // Announcements and music are heard once, and an escape can be pressed, before the queue decides.
      else setTimeout(() => settle(queue), 0);
      return {
        outcome,
        position: () => ({ position: 1, estimatedWaitS: 90 }),
        leave: async (why) => {
          print(`leaves the queue (${why})`);
          return true;
        },
      };
    },
    async transfer(to) {
      print(
        `transfer ${to.kind === 'number' ? to.number : to.kind === 'extension' ? to.extension : named(to.agentId)}: ${transfer}`,
      );
      return transfer;
    },
    async voicemail({ queueId }) {
      print(`voicemail for ${named(queueId)}`);
      return 'recorded';
    },
    async callback({ queueId, number }) {
      print(`callback ${number} from ${named(queueId)}`);
    },
    async hangup(cause) {
      print(`hang up (${cause})`);
    },
    async secure(on) {
      if (on !== secure) print(on ? 'secure on' : 'secure off');
      secure = on;
    },
  };
}
