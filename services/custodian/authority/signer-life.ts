import { periodGraceMs, periodsAhead } from '../merchants/periods.ts'

/**
 * Until when data keys of a signer are believed whose certificate ends then. A gateway that lost the custodian goes on
 * sealing with the statements that it has; refusing what it sealed would lose accepted payments. So a signer lasts as
 * long as any statement that it can hold.
 */
export function signerUntilMs(certificateNotAfterMs: number, merchantKeyPeriodMs: number): number {
  return certificateNotAfterMs + (periodsAhead + 1) * merchantKeyPeriodMs + periodGraceMs
}
