import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { Role } from '#appliance/contract/identity.ts';
import { systemClock } from '#appliance/kernel/clock.ts';
import type { Users } from '#appliance/security/index.ts';
import { createSecurity } from '#appliance/security/index.ts';
import { Problem } from '../supervisor/problem.ts';
import type { Command, Values } from './command.ts';
import type { CliContext } from './context.ts';

const ROLES: readonly string[] = ['admin', 'supervisor', 'agent', 'auditor'];
const PASSWORD = { 'password-stdin': { type: 'boolean' } } as const;
const PASSWORD_HELP = {
  'password-stdin': 'read the password from standard input; without it one is made and shown once',
};

export const userAdd: Command = {
  name: 'user add',
  args: 'NAME',
  summary: 'Add a person who can sign in',
  options: { role: { type: 'string' }, name: { type: 'string' }, ...PASSWORD },
  help: { role: ROLES.join(', '), name: 'how the person is called', ...PASSWORD_HELP },
  run: ({ args, values, context }) =>
    withUsers(context, async (users) => {
      const username = one(args);
      const role = String(values.role ?? 'agent');
      if (!ROLES.includes(role)) throw new Problem(`--role is one of ${ROLES.join(', ')}.`);
      const { password, shown } = await newPassword(values);
      const displayName = String(values.name ?? username);
      await users.create({ username, displayName, role: role as Role, password });
      context.print(`${username} can sign in as ${role}.${shown ? ` Password: ${password}` : ''}`);
    }),
};

export const userPassword: Command = {
  name: 'user password',
  args: 'NAME',
  summary: 'Give a person a new password; their sessions end',
  options: PASSWORD,
  help: PASSWORD_HELP,
  run: ({ args, values, context }) =>
    withUsers(context, async (users) => {
      const username = one(args);
      const { password, shown } = await newPassword(values);
      await users.resetPassword(username, password);
      context.print(`The password of ${username} is changed.${shown ? ` It is now: ${password}` : ''}`);
    }),
};

export const userList: Command = {
  name: 'user list',
  summary: 'Everybody who can sign in',
  async run({ context }) {
    const db = await context.db();
    const rows = await db('app_user').select('username', 'display_name', 'role', 'active').orderBy('username');
    for (const row of rows) {
      context.print(
        `${String(row.username).padEnd(16)} ${String(row.role).padEnd(11)} ${row.active ? '' : '(inactive) '}${row.display_name}`,
      );
    }
    return 0;
  },
};

async function withUsers(context: CliContext, work: (users: Users) => Promise<void>): Promise<number> {
  const { config, log } = context;
  const db = await context.db();
  const bus = await context.bus();
  const security = createSecurity({ db, bus, secrets: context.secrets(), clock: systemClock, log });
  try {
    await work(security.users);
  } finally {
    await security.close();
  }
  log.debug({ dataDir: config.dataDir }, 'done');
  return 0;
}

function one(args: string[]): string {
  const [name, ...more] = args;
  if (!name || more.length > 0) throw new Problem('Give one user name.');
  return name;
}

async function newPassword(values: Values): Promise<{ password: string; shown: boolean }> {
  if (!values['password-stdin']) return { password: randomBytes(12).toString('base64url'), shown: true };
  return { password: (await text(process.stdin)).replace(/\r?\n$/, ''), shown: false };
}
