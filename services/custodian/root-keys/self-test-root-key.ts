import type { SelfTestResponse } from '@ngome/contracts'
import type { RootKey } from './root-key.ts'

/**
 * The custodian attempts, as the operator asks it, to take its root key out of where it is kept.
 * @throws Fault `custodian/unavailable` where the root is away
 */
export async function selfTestRootKey(root: RootKey): Promise<SelfTestResponse> {
  const { isRefused, by } = await root.attemptExport()
  return { outcome: isRefused ? 'refused' : 'allowed', code: by }
}
