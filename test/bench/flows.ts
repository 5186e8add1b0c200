import type { FlowDocumentInput } from '#appliance/contract/flow.ts';

export type Line = 'answer' | 'prompt' | 'sales' | 'salesrec';

/** What a caller of each line meets. */
export function flowOf(line: Line, queues: Record<string, string>): FlowDocumentInput {
  const tone = { type: 'play' as const, say: [{ prompt: 'bench' }] };
  const end = { type: 'hangup' as const };
  const steps: FlowDocumentInput['steps'] = { end };
  switch (line) {
    case 'answer':
      // Silence until the caller hangs up.
      steps.answer = { type: 'answer', next: 'listen' };
      steps.listen = {
        type: 'gather',
        variable: 'digits',
        max: 1,
        timeoutS: 3600,
        retries: 0,
        next: 'end',
        timeout: 'end',
      };
      break;
    case 'prompt':
      steps.answer = { type: 'answer', next: 'tone' };
      steps.tone = { ...tone, next: 'end' };
      break;
    case 'sales':
    case 'salesrec':
      steps.answer = { type: 'answer', next: 'tone' };
      steps.tone = { ...tone, next: 'queue' };
      steps.queue = { type: 'queue', queueId: queues[line]!, refused: 'end' };
      break;
  }
  return { schema: 1, language: 'en', start: 'answer', steps };
}
