// Non-INVITE server transaction: RFC 3261 §17.2.2.
// Pure: sockets, clocks and logging live in server.ts.
export type State = 'trying' | 'proceeding' | 'completed' | 'terminated';
export type Input =
  | { on: 'request' }
  | { on: 'respond'; status: number } // from the transaction user
  | { on: 'timer'; name: 'J' }
  | { on: 'transport-error' };
export type Effect = 'send' | 'resend' | 'fail' | 'start-J';
export type Step = readonly [State, ...Effect[]];

/** Next state and what to do; undefined means "not legal here": the runner logs it and stays. */
export function step(state: State, input: Input, reliable: boolean): Step | undefined {
  if (state === 'terminated') return undefined;
  if (input.on === 'transport-error') return [state, 'fail']; // RFC 6026 §8.8: stay, tell the user
  switch (state) {
    case 'trying':
      if (input.on === 'request') return [state]; // nothing to repeat yet
      if (input.on !== 'respond') return undefined;
      return input.status < 200 ? ['proceeding', 'send'] : final(reliable);
    case 'proceeding':
      if (input.on === 'request') return [state, 'resend'];
      if (input.on !== 'respond') return undefined;
      return input.status < 200 ? [state, 'send'] : final(reliable);
    case 'completed':
      if (input.on === 'request') return [state, 'resend'];
      return input.on === 'timer' && input.name === 'J' ? ['terminated'] : undefined;
  }
}

function final(reliable: boolean): Step {
  return reliable ? ['terminated', 'send'] : ['completed', 'send', 'start-J']; // timer J is zero for streams
}
