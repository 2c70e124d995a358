/**
 * The blind test: X is secretly A or B, drawn anew for each trial. Whoever hears no difference is right in half of the
 * trials, so what counts is how seldom guessing alone does as well. Pure.
 */

export const A = 0;
export const B = 1;

/** A or B, by the toss of a fair coin that nobody can foresee. */
export function fairToss() {
  return crypto.getRandomValues(new Uint8Array(1))[0] & 1;
}

/** One listener's run of trials. Nothing but a vote brings out what X was. */
export class BlindTest {
  right = 0;
  total = 0;
  #x;
  #toss;

  /** @param {() => 0 | 1} toss draws X */
  constructor(toss = fairToss) {
    this.#toss = toss;
    this.#x = toss();
  }

  /** Which version sounds when the listener chooses A, B or X ("x"). */
  sideOf(choice) {
    return choice === "x" ? this.#x : choice;
  }

  /** The listener says that X is `side`. Gives what X was; the next trial has begun. */
  vote(side) {
    const x = this.#x;
    this.total += 1;
    this.right += Number(side === x);
    this.#x = this.#toss();
    return x;
  }

  /** How often guessing alone is right in at least as many of as many trials. */
  get chance() {
    return guessing(this.right, this.total);
  }
}

/** The probability of at least `right` heads in `total` tosses: the upper tail of the binomial distribution. */
export function guessing(right, total) {
  let exponent = -total * Math.LN2; // that of no heads at all; the weights themselves may be too small for a number
  let tail = 0;
  for (let heads = 0; heads <= total; heads += 1) {
    if (heads >= right) tail += Math.exp(exponent);
    exponent += Math.log((total - heads) / (heads + 1));
  }
  return Math.min(1, tail);
}
