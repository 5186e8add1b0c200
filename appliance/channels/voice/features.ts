// What desk phones dial to do something rather than to reach somebody. Pure.

/** Slots for parked calls, and the number that parks in the next free one (a phone transfers the customer there). */
export const SLOTS = ['701', '702', '703', '704', '705', '706', '707', '708', '709'] as const;
export const PARK = '700';

export type Feature =
  | { do: 'unpark'; slot: string }
  | { do: 'pick-up'; extension: string }
  | { do: 'forward'; extension: string }
  | { do: 'forward-off' }
  | { do: 'mailbox' };

/** Undefined: somebody is called. */
export function featureOf(dialled: string): Feature | undefined {
  if ((SLOTS as readonly string[]).includes(dialled)) return { do: 'unpark', slot: dialled };
  if (dialled === '*97') return { do: 'mailbox' };
  if (dialled === '*73') return { do: 'forward-off' };
  const [, code, extension] = /^(\*\*|\*72)([0-9]{2,8})$/.exec(dialled) ?? [];
  if (!extension) return undefined;
  return code === '**' ? { do: 'pick-up', extension } : { do: 'forward', extension };
}
