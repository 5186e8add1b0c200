// One line per rule of RFC 3261 §17 and RFC 6026.
import { describe, expect, it } from 'vitest';
import * as inviteClient from './invite-client.ts';
import * as inviteServer from './invite-server.ts';
import * as nonInviteClient from './non-invite-client.ts';
import * as nonInviteServer from './non-invite-server.ts';

const response = (status: number) => ({ on: 'response', status }) as const;
const respond = (status: number) => ({ on: 'respond', status }) as const;
const timer = <N extends string>(name: N) => ({ on: 'timer', name }) as const;
const broken = { on: 'transport-error' } as const;
const invite = { on: 'request', method: 'INVITE' } as const;
const ack = { on: 'request', method: 'ACK' } as const;
const request = { on: 'request' } as const;

type Case<S, I> = [state: S, input: I, udp: readonly string[] | undefined, stream?: readonly string[] | undefined];

function table<S, I>(
  title: string,
  step: (state: S, input: I, reliable: boolean) => readonly string[] | undefined,
  cases: Case<S, I>[],
) {
  describe(title, () => {
    for (const [state, input, udp, ...stream] of cases) {
      it(`${state} on ${JSON.stringify(input)}`, () => {
        expect(step(state, input, false)).toEqual(udp);
        expect(step(state, input, true)).toEqual(stream.length > 0 ? stream[0] : udp);
      });
    }
  });
}

table<inviteClient.State, inviteClient.Input>('INVITE client', inviteClient.step, [
  ['calling', timer('A'), ['calling', 'resend', 'start-A']],
  ['calling', timer('B'), ['terminated', 'timeout']],
  ['calling', timer('D'), undefined],
  ['calling', response(100), ['proceeding', 'stop-A', 'stop-B', 'pass']],
  ['calling', response(183), ['proceeding', 'stop-A', 'stop-B', 'pass']],
  ['calling', response(200), ['accepted', 'stop-A', 'stop-B', 'pass', 'start-M']],
  [
    'calling',
    response(486),
    ['completed', 'stop-A', 'stop-B', 'ack', 'pass', 'start-D'],
    ['terminated', 'stop-A', 'stop-B', 'ack', 'pass'],
  ],
  ['calling', broken, ['terminated', 'fail']],
  ['proceeding', response(180), ['proceeding', 'pass']],
  ['proceeding', response(200), ['accepted', 'stop-A', 'stop-B', 'pass', 'start-M']],
  [
    'proceeding',
    response(603),
    ['completed', 'stop-A', 'stop-B', 'ack', 'pass', 'start-D'],
    ['terminated', 'stop-A', 'stop-B', 'ack', 'pass'],
  ],
  ['proceeding', timer('A'), undefined],
  ['proceeding', broken, ['terminated', 'fail']],
  ['accepted', response(200), ['accepted', 'pass']],
  ['accepted', response(180), undefined],
  ['accepted', response(487), undefined],
  ['accepted', timer('M'), ['terminated']],
  ['accepted', broken, undefined],
  ['completed', response(486), ['completed', 'ack']],
  ['completed', response(200), undefined],
  ['completed', timer('D'), ['terminated']],
  ['completed', broken, ['terminated', 'fail']],
  ['terminated', response(200), undefined],
]);

table<inviteServer.State, inviteServer.Input>('INVITE server', inviteServer.step, [
  ['proceeding', invite, ['proceeding', 'resend']],
  ['proceeding', respond(180), ['proceeding', 'send']],
  ['proceeding', respond(200), ['accepted', 'send', 'start-L']],
  ['proceeding', respond(486), ['completed', 'send', 'start-G', 'start-H'], ['completed', 'send', 'start-H']],
  ['proceeding', broken, ['proceeding', 'fail']],
  ['accepted', invite, ['accepted']],
  ['accepted', ack, ['accepted', 'ack-to-user']],
  ['accepted', respond(200), ['accepted', 'send']],
  ['accepted', respond(180), undefined],
  ['accepted', respond(404), undefined],
  ['accepted', timer('L'), ['terminated']],
  ['accepted', broken, ['accepted', 'fail']],
  ['completed', invite, ['completed', 'resend']],
  ['completed', ack, ['confirmed', 'stop-G', 'stop-H', 'start-I']],
  ['completed', respond(200), undefined],
  ['completed', timer('G'), ['completed', 'resend', 'start-G']],
  ['completed', timer('H'), ['terminated', 'fail']],
  ['confirmed', ack, ['confirmed']],
  ['confirmed', invite, ['confirmed']],
  ['confirmed', timer('I'), ['terminated']],
  ['confirmed', timer('H'), undefined],
  ['terminated', ack, undefined],
]);

table<nonInviteClient.State, nonInviteClient.Input>('non-INVITE client', nonInviteClient.step, [
  ['trying', timer('E'), ['trying', 'resend', 'start-E']],
  ['trying', timer('F'), ['terminated', 'timeout']],
  ['trying', timer('K'), undefined],
  ['trying', response(100), ['proceeding', 'pass']],
  [
    'trying',
    response(200),
    ['completed', 'stop-E', 'stop-F', 'pass', 'start-K'],
    ['terminated', 'stop-E', 'stop-F', 'pass'],
  ],
  ['trying', broken, ['terminated', 'fail']],
  ['proceeding', timer('E'), ['proceeding', 'resend', 'start-E']],
  ['proceeding', timer('F'), ['terminated', 'timeout']],
  ['proceeding', response(183), ['proceeding', 'pass']],
  [
    'proceeding',
    response(404),
    ['completed', 'stop-E', 'stop-F', 'pass', 'start-K'],
    ['terminated', 'stop-E', 'stop-F', 'pass'],
  ],
  ['completed', response(200), ['completed']],
  ['completed', timer('K'), ['terminated']],
  ['completed', timer('E'), undefined],
  ['terminated', response(200), undefined],
]);

table<nonInviteServer.State, nonInviteServer.Input>('non-INVITE server', nonInviteServer.step, [
  ['trying', request, ['trying']],
  ['trying', respond(100), ['proceeding', 'send']],
  ['trying', respond(200), ['completed', 'send', 'start-J'], ['terminated', 'send']],
  ['trying', timer('J'), undefined],
  ['trying', broken, ['trying', 'fail']],
  ['proceeding', request, ['proceeding', 'resend']],
  ['proceeding', respond(100), ['proceeding', 'send']],
  ['proceeding', respond(500), ['completed', 'send', 'start-J'], ['terminated', 'send']],
  ['completed', request, ['completed', 'resend']],
  ['completed', respond(200), undefined],
  ['completed', timer('J'), ['terminated']],
  ['completed', broken, ['completed', 'fail']],
  ['terminated', request, undefined],
]);
