/** How often what goes wrong, each from 0 to 1, and for how long. */
export type Faults = {
  /** The process dies at a step: before a call, or after it and before its answer. */
  readonly crash: number
  /** A call of the store is lost before it happens, or its answer after. */
  readonly storeLost: number
  /** A step takes up to {@link Faults.stallMsMax}: a process that was suspended. */
  readonly stall: number
  readonly stallMsMax: number
  /** A request of a merchant, or its answer, is lost; a request comes twice. */
  readonly requestLost: number
  readonly requestTwice: number
  /** The custodian opens nothing for now, or is away. */
  readonly custodianAway: number
  /** A job is given to a second dispatcher while the first has it. */
  readonly jobTwice: number
  /**
   * A process's clock jumps, counted for each boot and each minute; how far, either way. A gateway's that jumps past a signature's tolerance
   * between its check and the acceptance fails the payout with an alarm, which is safe and no claim of a run.
   */
  readonly clockJump: number
  readonly clockJumpMsMax: { readonly gateway: number; readonly dispatcher: number }
  /** What merchants' endpoints do: away for longer than a delivery is tried, or not. */
  readonly endpoint: { readonly away: boolean; readonly lost: number; readonly refused: number; readonly late: number; readonly refusedButTaken: number }
  /** What networks do. */
  readonly network: {
    readonly away: number
    readonly lost: number
    readonly answerLost: number
    readonly late: number
    readonly refused: number
    /** Says no, and has it all the same. */
    readonly refusedButTaken: number
    readonly enquiryLost: number
    readonly ambiguous: number
    /** Asked soon after it took something, it does not know it yet. */
    readonly lagging: number
    readonly callbackLost: number
    readonly callbackTwice: number
    readonly callbackLate: number
    readonly forged: number
    /** It takes back what succeeded, soon or later. */
    readonly takenBack: number
  }
}

export const noFaults: Faults = {
  crash: 0, storeLost: 0, stall: 0, stallMsMax: 0, requestLost: 0, requestTwice: 0, custodianAway: 0, jobTwice: 0.03, clockJump: 0, clockJumpMsMax: { gateway: 0, dispatcher: 0 },
  endpoint: { away: false, lost: 0, refused: 0, late: 0, refusedButTaken: 0 },
  network: {
    away: 0, lost: 0, answerLost: 0, late: 0, refused: 0, refusedButTaken: 0, enquiryLost: 0, ambiguous: 0, lagging: 0, callbackLost: 0,
    callbackTwice: 0, callbackLate: 0, forged: 0, takenBack: 0,
  },
}

/** A bad day, of which a payment meets several faults on average. */
export const manyFaults: Faults = {
  crash: 0.002, storeLost: 0.01, stall: 0.004, stallMsMax: 180_000, requestLost: 0.05, requestTwice: 0.03, custodianAway: 0.02, jobTwice: 0.03,
  clockJump: 0.2, clockJumpMsMax: { gateway: 120_000, dispatcher: 26 * 3_600_000 },
  endpoint: { away: true, lost: 0.05, refused: 0.05, late: 0.05, refusedButTaken: 0.03 },
  network: {
    away: 0.03, lost: 0.04, answerLost: 0.06, late: 0.05, refused: 0.03, refusedButTaken: 0.01, enquiryLost: 0.05, ambiguous: 0.03, lagging: 0.1,
    callbackLost: 0.3, callbackTwice: 0.15, callbackLate: 0.1, forged: 0.02, takenBack: 0.12,
  },
}
