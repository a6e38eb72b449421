import type { SelfTestRequest, SelfTestResponse } from '@ngome/contracts'

/** Lets a process attempt what it must not do: the operator's certificate on its internal port. */
export type SelfTester = {
  readonly selfTest: (
    process: 'gateway' | 'custodian' | 'dispatcher',
    name: string,
    request: SelfTestRequest,
  ) => Promise<SelfTestResponse>
}
