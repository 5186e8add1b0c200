import { describe, expect, test } from 'vitest';
import type { Edge, Media } from '../media/index.ts';
import { SdpSession } from '../sdp/index.ts';
import { LegAudio, type LegAudioOptions, NoCommonMedia } from './leg-audio.ts';

const PLAIN = new SdpSession().offer(
  { address: '192.0.2.7', port: 4000 },
  { codecs: ['PCMU', 'PCMA'], telephoneEvent: 96 },
);
const SECURED = PLAIN.replace('RTP/AVP', 'RTP/SAVP').concat(
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\r\n',
);
const OPUS = PLAIN.replace(/m=audio.*\r\n/, 'm=audio 4000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n').replace(
  /a=rtpmap:[08].*\r\n/g,
  '',
);

function open(options: Partial<LegAudioOptions> = {}, withEdge = true) {
  const did: string[] = [];
  let ports = 30_000;
  const media: LegAudioOptions['media'] = {
    createLeg: async (leg) => {
      ports += 2;
      did.push(
        `create ${leg.codec} te=${leg.telephoneEvent} ${leg.remote ? `${leg.remote.address}:${leg.remote.port}` : '-'} near=${leg.near} strict=${leg.strict}`,
      );
      return { port: ports };
    },
    updateLeg: async (leg) =>
      void did.push(
        `update ${leg.codec} te=${leg.telephoneEvent} ${leg.remote ? `${leg.remote.address}:${leg.remote.port}` : '-'}`,
      ),
    deleteLeg: async () => {
      did.push('delete');
      return undefined;
    },
  } satisfies Pick<Media, 'createLeg' | 'updateLeg' | 'deleteLeg'>;
  const settled = {
    remote: { address: '127.0.0.1', port: 40_000 },
    codec: 'PCMA' as const,
    telephoneEvent: 101,
    held: false,
    facts: { kind: 'sdes', version: 1 },
  };
  const edge: Pick<Edge, 'answer' | 'offer' | 'settle' | 'remove'> = {
    answer: async ({ inner }) => {
      did.push(`edge answer ${inner}`);
      return { ...settled, body: 'from the edge' };
    },
    offer: async ({ kind, inner, facts }) => {
      did.push(`edge offer ${kind} ${inner} ${facts ? 'again' : 'first'}`);
      return { body: `offer ${kind}`, facts: { kind, version: 1 } };
    },
    settle: async () => {
      did.push('edge settle');
      return settled;
    },
    remove: async () => void did.push('edge remove'),
  };
  const audio = new LegAudio({
    leg: 'a',
    media,
    edge: withEdge ? edge : undefined,
    strict: false,
    prefer: ['PCMA', 'PCMU'],
    ...options,
  });
  return { audio, did };
}

describe('a leg of plain G.711', () => {
  test('is opened once with all that the offer says, and answers the same twice', async () => {
    const { audio, did } = open();
    const early = await audio.answer(PLAIN, '192.0.2.1');
    const final = await audio.answer(PLAIN, '192.0.2.1');
    expect(final.body).toBe(early.body);
    expect(early.body).toContain('m=audio 30002 RTP/AVP 8 96');
    expect(did).toEqual(['create PCMA te=96 192.0.2.7:4000 near=undefined strict=false']);
  });

  test('takes the codec of the leg it will meet', async () => {
    const { audio, did } = open({ near: { leg: 'b', codec: 'PCMU' }, strict: true });
    expect(await audio.offer('192.0.2.1')).toContain('m=audio 30002 RTP/AVP 0 8 101');
    await audio.settle(PLAIN);
    expect(did).toEqual(['create PCMU te=undefined - near=b strict=true', 'update PCMU te=96 192.0.2.7:4000']);
  });

  test('opens nothing for an offer that cannot be answered', async () => {
    const { audio, did } = open();
    await expect(audio.answer(PLAIN.replace('AVP 0 8 96', 'AVP 97'), '192.0.2.1')).rejects.toBeInstanceOf(
      NoCommonMedia,
    );
    expect(did).toEqual([]);
  });

  test('stays as it was when a change cannot be answered, and keeps its codec when it can', async () => {
    const { audio, did } = open();
    await audio.answer(PLAIN, '192.0.2.1');
    const before = JSON.stringify(audio.facts);
    await expect(audio.change('v=0\r\n')).rejects.toBeInstanceOf(NoCommonMedia);
    expect(JSON.stringify(audio.facts)).toBe(before);
    expect(
      await audio.change(PLAIN.replace('192.0.2.7', '192.0.2.8').replace('c=IN IP4 192.0.2.7', 'c=IN IP4 192.0.2.8')),
    ).toMatchObject({ held: false });
    expect(did.at(-1)).toBe('update PCMA te=96 192.0.2.8:4000');
  });

  test('that the switch has lost gets another port and an offer with the next version', async () => {
    const { audio, did } = open();
    await audio.offer('192.0.2.1');
    const again = await audio.reopen(true);
    expect(again).toContain('m=audio 30004');
    expect(again).toMatch(/o=- \d+ 2 /);
    expect(did.filter((what) => what.startsWith('create'))).toHaveLength(2);
  });

  test('goes on in another process from its facts', async () => {
    const { audio } = open();
    await audio.answer(PLAIN, '192.0.2.1');
    const facts = JSON.parse(JSON.stringify(audio.facts));
    const { did, ...second } = open();
    const other = new LegAudio(
      {
        leg: 'a',
        media: { createLeg: async () => ({ port: 1 }), updateLeg: async () => {}, deleteLeg: async () => undefined },
        edge: undefined,
        strict: false,
        prefer: ['PCMA'],
      },
      facts,
    );
    expect(other.facts).toEqual(audio.facts);
    expect(other.again()).toContain('m=audio 30002');
    expect([did.length, second.audio.open]).toEqual([0, false]);
  });
});

describe('a leg behind the edge', () => {
  test.each([
    ['SRTP', SECURED],
    ['a codec that is not ours', OPUS],
  ])('answers %s through it', async (_name, offer) => {
    const { audio, did } = open();
    expect(await audio.answer(offer, '192.0.2.1')).toEqual({ body: 'from the edge', held: false });
    expect(did).toEqual([
      'create PCMA te=undefined - near=undefined strict=false',
      'edge answer 30002',
      'update PCMA te=101 127.0.0.1:40000',
    ]);
    await audio.close();
    expect(did.slice(3)).toEqual(['edge remove', 'delete']);
  });

  test('is refused where there is no edge', async () => {
    await expect(open({}, false).audio.answer(SECURED, '192.0.2.1')).rejects.toMatchObject({ status: 488 });
  });

  test('is offered, settled, and offered again on the same port when the edge forgot it', async () => {
    const { audio, did } = open();
    expect(await audio.offer('192.0.2.1', 'webrtc')).toBe('offer webrtc');
    await audio.settle('answer');
    expect(await audio.reopen(false)).toBe('offer sdes');
    expect(did).toEqual([
      'create PCMA te=undefined - near=undefined strict=false',
      'edge offer webrtc 30002 first',
      'edge settle',
      'update PCMA te=101 127.0.0.1:40000',
      'edge offer sdes 30002 again',
    ]);
  });
});

test('where audio must be encrypted, plain offers are refused before a port is opened, and secured ones are not', async () => {
  const strict = open({ encrypted: true });
  await expect(strict.audio.answer(PLAIN, '192.0.2.1')).rejects.toMatchObject({ status: 488 });
  expect(strict.did).toEqual([]);
  expect((await open({ encrypted: true }).audio.answer(SECURED, '192.0.2.1')).body).toBe('from the edge');
});
