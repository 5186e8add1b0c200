import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROLES } from '#appliance/roles/context.ts';
import { NICE, V8_FLAGS } from './role-process.ts';

it.each(ROLES)('%s runs under systemd as it does under npm start', (role) => {
  const unit = readFileSync(join(import.meta.dirname, `../../systemd/strongroom-${role}.service`), 'utf8');
  const start = /^ExecStart=(.*)$/m.exec(unit)![1];
  const main = `/usr/lib/strongroom/appliance/main.ts ${role}`;
  expect(start).toBe(['/usr/lib/strongroom/node', ...(V8_FLAGS[role] ?? []), main].join(' '));
  if (NICE[role] !== undefined) expect(unit).toMatch(new RegExp(`^Nice=${NICE[role]}$`, 'm'));
});
