import { expect, test } from 'vitest';
import { importsOf, refusal } from './boundaries.ts';

test.each([
  ['appliance/kernel/ids.ts', 'zod', true, /no packages/],
  ['appliance/kernel/ids.ts', 'appliance/platform/log/index.ts', false, /may not know/],
  ['appliance/platform/log/index.ts', 'appliance/kernel/ids.ts', false, undefined],
  ['appliance/telephony/sip/message/parse.ts', 'appliance/platform/log/index.ts', false, /may not know platform/],
  ['appliance/telephony/calls/call.ts', 'appliance/telephony/sip/index.ts', false, undefined],
  ['appliance/telephony/calls/call.ts', 'appliance/routing/index.ts', false, /may not know routing/],
  ['appliance/telephony/calls/call.ts', 'appliance/telephony/trunks/index.ts', false, undefined],
  ['appliance/telephony/trunks/trunks.ts', 'appliance/telephony/calls/index.ts', false, /may not know/],
  ['appliance/routing/router.ts', 'appliance/agents/index.ts', false, undefined],
  ['appliance/routing/router.ts', 'appliance/agents/store.ts', false, /entered through its index.ts/],
  ['appliance/routing/router.ts', 'appliance/channels/voice/index.ts', false, /define a port/],
  ['appliance/customers/customers.ts', 'appliance/agents/index.ts', false, /define a port/],
  ['appliance/routing/router.ts', 'appliance/http/route.ts', false, /only routes, feed and jobs/],
  ['appliance/routing/queue-routes.ts', 'appliance/http/route.ts', false, undefined],
  ['appliance/routing/routes.ts', 'appliance/http/route.ts', false, undefined],
  ['appliance/routing/router.test.ts', 'appliance/channels/voice/registry.ts', false, undefined],
  ['appliance/flows/flows.ts', 'appliance/channels/voice/index.ts', false, undefined],
  ['appliance/flows/flows.ts', 'appliance/channels/voice/registry.ts', false, /entered through its index.ts/],
  ['appliance/reporting/views.ts', 'appliance/interactions/index.ts', false, undefined],
  ['appliance/recordings/recordings.ts', 'appliance/reporting/index.ts', false, /define a port/],
  ['appliance/novelty/a.ts', 'appliance/kernel/ids.ts', false, /no room of the house/],
  ['appliance/roles/voice.ts', 'appliance/routing/store.ts', false, undefined],
  ['appliance/main.ts', 'appliance/roles/run.ts', false, undefined],
  ['ui/src/lib/api.ts', 'appliance/contract/live.ts', false, undefined],
  ['ui/src/lib/api.ts', 'appliance/http/route.ts', false, /ui may not know http/],
  ['migrations/20260101000000_a.ts', 'appliance/kernel/ids.ts', false, /may not know/],
  ['migrations/20260101000000_a.ts', 'knex', true, undefined],
  ['gateway/main.ts', 'appliance/platform/log/index.ts', false, /may not know platform/],
])('%s importing %s', (file, target, isPackage, why) => {
  if (why) expect(refusal(file, target, isPackage)).toMatch(why);
  else expect(refusal(file, target, isPackage)).toBeUndefined();
});

test('every form of import is seen', () => {
  const text = `import a from 'a';\nimport type { B } from "b";\nimport 'c';\nexport { d } from 'd';\nexport * from 'e';
import {
  f,
} from 'f';
const g = await import('g');
const text = "from 'nothing'";`;
  expect(importsOf(text)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
});
