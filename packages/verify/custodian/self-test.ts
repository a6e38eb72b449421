import type { SelfTestPath, SelfTestRequest, SelfTestResponse } from '@ngome/contracts'

/** Lets a process attempt what it must not do: the operator's certificate on its internal port. */
export type SelfTester = {
  readonly selfTest: <P extends SelfTestPath>(
    process: 'gateway' | 'dispatcher',
    path: P,
    request: SelfTestRequest<P>,
  ) => Promise<SelfTestResponse<P>>
}
