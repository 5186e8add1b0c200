// What an agent's page shows besides the work in hand: parked calls, messages, follow-ups, settings of the phone.
import type { AgentVoicemail, CallToTake } from '#appliance/contract/calls.ts';
import { ago, id } from './data.ts';

export const SCRIPT = `# Greeting
Good day, **{queue}**, {agent} speaking. How can I help, {caller}?

# Before anything else
- Ask for the customer number and **repeat it**.
- No passwords on the telephone, ever: card numbers go through secure entry.`;

export const callsToTake = (): CallToTake[] => [
  {
    kind: 'parked',
    id: '701',
    slot: '701',
    interactionId: id(7010),
    from: '+15550155',
    customer: { id: id(805), name: 'Ferry office', known: true },
    queueId: id(101),
    queueName: 'Sales',
    parkedBy: { id: id(3), name: 'Carol' },
    since: ago(41),
    backAt: ago(-79),
  },
  {
    kind: 'ringing',
    id: `${id(7020)}_${id(4)}`,
    interactionId: id(7020),
    agentId: id(4),
    agentName: 'Dario',
    extension: '1004',
    from: '+15550168',
    customer: null,
    queueId: null,
    queueName: null,
    since: ago(6),
  },
];

export const voicemails = (): AgentVoicemail[] => [
  message(1, '+15550142', 'Flower shop', 1_340, 27, false),
  message(2, '+15550171', null, 8_100, 64, false),
  message(3, '+15550123', 'Town hall', 93_000, 41, true),
];

function message(
  n: number,
  from: string,
  name: string | null,
  agoS: number,
  durationS: number,
  heard: boolean,
): AgentVoicemail {
  return {
    id: id(8500 + n),
    interactionId: id(8600 + n),
    recordingId: id(8700 + n),
    from,
    customer: name ? { id: id(800 + n), name, known: true } : null,
    leftAt: ago(agoS),
    durationS,
    heard,
    state: n === 2 ? 'processing' : 'ready',
  };
}

const followUp = (n: number, customerName: string, dueInS: number, note: string, doneAt: string | null) => ({
  id: id(8800 + n),
  interactionId: id(8900 + n),
  channel: 'voice',
  address: `+1555012${n}`,
  customerName,
  queueName: 'Sales',
  dueAt: ago(-dueInS),
  note,
  doneAt,
});

/** What the box answers to plain questions of an agent's page, by path. */
export const DESK: Record<string, () => unknown> = {
  '/me/follow-ups': () => ({
    items: [
      followUp(1, 'Book shop', -900, 'Send the new price list', null),
      followUp(2, 'Music school', 5_400, 'Ask whether the piano has arrived', null),
      followUp(3, 'Garden centre', -7_200, 'Delivery moved to Friday', ago(3_000)),
    ],
  }),
  '/me/missed': () => ({
    items: [
      {
        interactionId: id(9001),
        direction: 'in',
        from: '+15550188',
        customerId: null,
        customerName: null,
        queueName: 'Support',
        at: ago(2_400),
        times: 2,
        settled: false,
      },
    ],
  }),
  '/me/figures': () => ({ answered: 14, talkS: 3_340, holdS: 210, wrapUpS: 512 }),
  '/me/voicemails': () => ({ items: voicemails(), next: null, counts: { fresh: 2, heard: 1 } }),
  '/me/voicemail-greeting': () => ({ own: true, durationS: 8 }),
  '/me/phone-choice': () => ({ ringOn: 'browser', ringNumber: '+15550150' }),
  '/me/forwarding': () => ({
    always: null,
    busy: { to: 'voicemail' },
    noAnswer: { to: 'extension', extension: '1003' },
    noAnswerAfterS: 20,
    notRegistered: null,
    mayForwardOutside: false,
  }),
  '/me/ringing': () => ({
    pattern: [
      { device: 'browser', afterS: 0, forS: null },
      { device: 'phone', afterS: 10, forS: null },
    ],
  }),
  '/secure-entries': () => ({
    items: [
      { flowId: id(9101), name: 'Card number' },
      { flowId: id(9102), name: 'Customer PIN' },
    ],
  }),
};
