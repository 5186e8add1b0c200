/** Something a person can put right: one sentence that says what is wrong and what to do. */
export class Problem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Problem';
  }
}
