// INVITE client transaction: RFC 3261 §17.1.1 with the "accepted" state of RFC 6026 §7.2.
// Pure: sockets, clocks and logging live in client.ts.
export type State = 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated';
export type Input =
  | { on: 'response'; status: number }
  | { on: 'timer'; name: 'A' | 'B' | 'D' | 'M' }
  | { on: 'transport-error' };
export type Effect =
  | 'send'
  | 'resend'
  | 'ack'
  | 'pass'
  | 'timeout'
  | 'fail'
  | 'start-A'
  | 'start-B'
  | 'start-D'
  | 'start-M'
  | 'stop-A'
  | 'stop-B';
export type Step = readonly [State, ...Effect[]];

export function begin(reliable: boolean): Step {
  return reliable ? ['calling', 'send', 'start-B'] : ['calling', 'send', 'start-A', 'start-B'];
}

/** Next state and what to do; undefined means "not legal here": the runner logs it and stays. */
export function step(state: State, input: Input, reliable: boolean): Step | undefined {
  switch (state) {
    case 'calling':
      if (input.on === 'transport-error') return ['terminated', 'fail']; // RFC 3261 §17.1.4
      if (input.on === 'timer') {
        if (input.name === 'A') return [state, 'resend', 'start-A']; // the runner doubles it
        return input.name === 'B' ? ['terminated', 'timeout'] : undefined;
      }
      if (input.status < 200) return ['proceeding', 'stop-A', 'stop-B', 'pass'];
      return final(input.status, reliable);
    case 'proceeding':
      if (input.on === 'transport-error') return ['terminated', 'fail'];
      if (input.on === 'timer') return undefined;
      return input.status < 200 ? [state, 'pass'] : final(input.status, reliable);
    case 'accepted': // RFC 6026 §7.2: every 2xx goes up, forks and retransmissions alike
      if (input.on === 'response') return input.status >= 200 && input.status < 300 ? [state, 'pass'] : undefined;
      return input.on === 'timer' && input.name === 'M' ? ['terminated'] : undefined;
    case 'completed':
      if (input.on === 'transport-error') return ['terminated', 'fail'];
      if (input.on === 'response') return input.status >= 300 ? [state, 'ack'] : undefined;
      return input.name === 'D' ? ['terminated'] : undefined;
    case 'terminated':
      return undefined;
  }
}

function final(status: number, reliable: boolean): Step {
  if (status < 300) return ['accepted', 'stop-A', 'stop-B', 'pass', 'start-M'];
  // RFC 3261 §17.1.1.2: timer D is zero for reliable transports.
  if (reliable) return ['terminated', 'stop-A', 'stop-B', 'ack', 'pass'];
  return ['completed', 'stop-A', 'stop-B', 'ack', 'pass', 'start-D'];
}
