// Non-INVITE client transaction: RFC 3261 §17.1.2 with RFC 4320.
// Pure: sockets, clocks and logging live in client.ts.
export type State = 'trying' | 'proceeding' | 'completed' | 'terminated';
export type Input =
  | { on: 'response'; status: number }
  | { on: 'timer'; name: 'E' | 'F' | 'K' }
  | { on: 'transport-error' };
export type Effect =
  | 'send'
  | 'resend'
  | 'pass'
  | 'timeout'
  | 'fail'
  | 'start-E'
  | 'start-F'
  | 'start-K'
  | 'stop-E'
  | 'stop-F';
export type Step = readonly [State, ...Effect[]];

export function begin(reliable: boolean): Step {
  return reliable ? ['trying', 'send', 'start-F'] : ['trying', 'send', 'start-E', 'start-F'];
}

/** Next state and what to do; undefined means "not legal here": the runner logs it and stays. */
export function step(state: State, input: Input, reliable: boolean): Step | undefined {
  switch (state) {
    case 'trying':
    case 'proceeding':
      if (input.on === 'transport-error') return ['terminated', 'fail']; // RFC 3261 §17.1.4
      if (input.on === 'timer') {
        if (input.name === 'E') return [state, 'resend', 'start-E']; // the runner doubles it up to T2, at once in proceeding
        return input.name === 'F' ? ['terminated', 'timeout'] : undefined;
      }
      if (input.status < 200) return ['proceeding', 'pass'];
      // RFC 3261 §17.1.2.2: timer K is zero for reliable transports.
      return reliable
        ? ['terminated', 'stop-E', 'stop-F', 'pass']
        : ['completed', 'stop-E', 'stop-F', 'pass', 'start-K'];
    case 'completed':
      if (input.on === 'response') return [state]; // retransmissions end here
      return input.on === 'timer' && input.name === 'K' ? ['terminated'] : undefined;
    case 'terminated':
      return undefined;
  }
}
