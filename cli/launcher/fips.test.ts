import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { getFips } from 'node:crypto'
import { test } from 'node:test'
import { Fault } from '@ngome/kernel'
import { loadConfig } from '@ngome/runtime'
import { childCommand } from './child-command.ts'
import { childEnvironment } from './child-environment.ts'
import { assertFipsSuite, isFipsStart } from './fips.ts'
import { processNames } from './process-table.ts'

const config = loadConfig({ NGOME_DATA: '/tmp/ngome-fips', NGOME_CONFIG: '' })
const env = { OPENSSL_CONF: '/etc/fips.cnf', OPENSSL_MODULES: '/usr/lib/ossl-modules', LD_PRELOAD: '/tmp/evil.so' }
const surroundings = { root: '/r', dataDir: '/d', configFile: undefined, chain: [], env: {}, hasAddon: false, operatorFiles: [] }

test('under --enable-fips every process is started with it, and finds the provider where the launcher did', () => {
  for (const name of processNames) {
    const from = { env, config, configFile: undefined, token: undefined }
    const found = childEnvironment(name, { ...from, isFips: true })
    assert.deepEqual([found['OPENSSL_CONF'], found['OPENSSL_MODULES'], found['LD_PRELOAD']], [env.OPENSSL_CONF, env.OPENSSL_MODULES, undefined])
    assert.ok(childCommand(name, { ...surroundings, isFips: true }).argv.includes('--enable-fips'), name)
    // Without it OpenSSL's configuration is not passed on: it can name code to load.
    assert.equal(childEnvironment(name, { ...from, isFips: false })['OPENSSL_CONF'], undefined)
    assert.ok(!childCommand(name, { ...surroundings, isFips: false }).argv.includes('--enable-fips'), name)
  }
  assert.equal('OPENSSL_MODULES' in childEnvironment('gateway', {
    env: { OPENSSL_CONF: 'x' }, config, configFile: undefined, token: undefined, isFips: true,
  }), false)
})

test('under --enable-fips the hybrid suite is refused before anything starts, in words that say what to do', () => {
  assert.throws(() => assertFipsSuite(config, true), (error) => {
    assert.ok(error instanceof Fault)
    assert.equal(error.code, 'launcher/failed')
    assert.match(error.message, /--enable-fips.*set keys\.suite to fips.*not post-quantum.*docs\/fips\.md/)
    return true
  })
  assertFipsSuite(config, false)
  assertFipsSuite({ keys: { ...config.keys, suite: 'fips' } }, true)
  // OpenSSL's configuration alone can bring the mode too; what counts is what Node says.
  assert.equal(isFipsStart(), getFips() === 1)
})

/** Runs a program under `--enable-fips`, with OpenSSL configured as given. */
function underFips(program: string, opensslConf: Record<string, string>): { readonly status: number | null; readonly text: string } {
  const args = ['--enable-fips', '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: import.meta.dirname, env: opensslConf, encoding: 'utf8', timeout: 30_000,
  })
  return { status, text: stdout + stderr }
}

test('where OpenSSL has no FIPS provider, Node itself ends at once and names it', () => {
  const { status, text } = underFips('console.log("ran")', { OPENSSL_CONF: '/dev/null' })
  assert.notEqual(status, 0)
  assert.match(text, /--enable-fips requires an active OpenSSL provider named "fips"/)
  assert.doesNotMatch(text, /ran/)
})

test('where this machine\'s OpenSSL has a FIPS provider, suite 2 makes keys under it; where it has none, nothing runs', () => {
  const { OPENSSL_CONF = '/dev/null', OPENSSL_MODULES = '' } = process.env
  const modules: Record<string, string> = OPENSSL_MODULES === '' ? {} : { OPENSSL_MODULES }
  const program = `
    import { getFips } from 'node:crypto'
    import { generateMerchantKeyPair } from '@ngome/envelope'
    const { publicKey } = await generateMerchantKeyPair('fips')
    console.log('made', getFips(), publicKey.length)`
  const { status, text } = underFips(program, { OPENSSL_CONF, ...modules })
  if (status === 0) assert.match(text, /^made 1 65$/m)
  else assert.match(text, /requires an active OpenSSL provider named "fips"/)
})
