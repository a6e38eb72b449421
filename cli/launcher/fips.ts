import { getFips } from 'node:crypto'
import { Fault } from '@ngome/kernel'
import type { Config, Environment } from '@ngome/runtime'

/** Where OpenSSL finds the FIPS provider; the processes need the same as the launcher. */
const opensslVariables = ['OPENSSL_CONF', 'OPENSSL_MODULES']

/** Whether this Node was started with `--enable-fips`: then every process of ours is. */
export function isFipsStart(): boolean {
  return getFips() === 1
}

/**
 * In FIPS mode there is no ML-KEM (in a provider of OpenSSL 3.0) and no approved X25519: the hybrid suite would fail at
 * the first merchant, so the start says it.
 * @throws Fault `launcher/failed`
 */
export function assertFipsSuite({ keys }: Pick<Config, 'keys'>, isFips: boolean): void {
  if (!isFips || keys.suite === 'fips') return
  throw new Fault('launcher/failed', `Node runs with --enable-fips, where the suite ${keys.suite} does not exist: ` +
    'set keys.suite to fips (it is not post-quantum; see docs/fips.md), or start without --enable-fips')
}

/** Node's flag for a process. One that finds no provider ends at once and says so. */
export function fipsFlags(isFips: boolean): readonly string[] {
  return isFips ? ['--enable-fips'] : []
}

/** The part of the launcher's environment that OpenSSL reads, and in FIPS mode only: it can name code to load. */
export function fipsEnvironment(env: Environment, isFips: boolean): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of isFips ? opensslVariables : []) {
    const value = env[name]
    if (value !== undefined) found[name] = value
  }
  return found
}
