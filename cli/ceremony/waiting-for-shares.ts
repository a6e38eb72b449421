import { ceremonySocketPath, type Config } from '@ngome/runtime'
import { CustodianLine } from './custodian-line.ts'

/** What a custodian waits for that has no root key yet, or `undefined` where none waits, or none that we can ask. */
export async function waitingForShares(config: Config): Promise<string | undefined> {
  if (config.custodian.rootKey.kind !== 'shares') return undefined
  try {
    const { line, state } = await CustodianLine.open(ceremonySocketPath(config))
    line.close()
    return state.phase === 'collecting' ? `waiting for shares ${state.have} of ${state.need}` : 'waiting for its first shares'
  } catch {
    return undefined
  }
}
