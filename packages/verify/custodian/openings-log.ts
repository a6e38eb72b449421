import type { CustodianRequest, CustodianResponse } from '@ngome/contracts'

/** The custodian's log as an auditor has it: what is answered now, and the checkpoint that he kept the last time. */
export type OpeningsLog = {
  readonly pull: (request: CustodianRequest<'/v1/openings'>) => Promise<CustodianResponse<'/v1/openings'>>
  /** The note of the last look, or `undefined` at the first one. */
  readonly kept: () => string | undefined
  readonly keep: (note: string) => void
}
