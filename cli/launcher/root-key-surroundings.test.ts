import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Fault } from '@ngome/kernel'
import { loadConfig, type Config } from '@ngome/runtime'
import { childCommand } from './child-command.ts'
import { childEnvironment } from './child-environment.ts'
import { processNames } from './process-table.ts'
import { needsAddon, placePin } from './root-key-surroundings.ts'

function made(t: TestContext): { readonly config: Config; readonly pin: string; readonly env: Record<string, string> } {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-root-key-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'custodian'))
  const pin = join(folder, 'pin')
  writeFileSync(pin, '4711\n', { mode: 0o600 })
  const env = {
    NGOME_DATA: folder, NGOME_CONFIG: '', NGOME_CUSTODIAN__ROOT_KEY: `pkcs11:token=t;object=o?module-path=/m.so&pin-source=file:${pin}`,
    SOFTHSM2_CONF: '/etc/softhsm2.conf', LD_PRELOAD: '/tmp/evil.so',
  }
  return { config: loadConfig(env), pin, env }
}

test('the custodian gets the PIN in its folder, the module\'s own variable, and nothing else of the launcher\'s', (t) => {
  const { config, env } = made(t)
  placePin(config, undefined)
  const copy = join(config.dataDir, 'custodian', 'root-key.pin')
  assert.equal(readFileSync(copy, 'utf8'), '4711\n')
  assert.equal(statSync(copy).mode & 0o777, 0o600)
  const from = { env, config, configFile: undefined, token: undefined, isFips: false }
  const found = childEnvironment('custodian', from)
  assert.equal(found['SOFTHSM2_CONF'], '/etc/softhsm2.conf')
  assert.equal(found['LD_PRELOAD'], undefined)
  const { rootKey } = loadConfig(found).custodian
  assert.equal(rootKey.kind === 'pkcs11' && rootKey.uri.pinSource, copy)
  for (const name of processNames.filter((one) => one !== 'custodian')) assert.equal(childEnvironment(name, from)['SOFTHSM2_CONF'], undefined, name)
})

test('a PIN that is missing or open to others is refused; without an HSM no copy stays', (t) => {
  const { config, pin } = made(t)
  placePin(config, undefined)
  chmodSync(pin, 0o640)
  const isFault = (error: unknown) => error instanceof Fault && error.code === 'launcher/failed' && !error.message.includes('4711')
  assert.throws(() => placePin(config, undefined), isFault)
  rmSync(pin)
  assert.throws(() => placePin(config, undefined), isFault)
  const without = loadConfig({ NGOME_DATA: config.dataDir, NGOME_CONFIG: '' })
  placePin(without, undefined)
  assert.equal(existsSync(join(config.dataDir, 'custodian', 'root-key.pin')), false)
  assert.deepEqual([needsAddon(config), needsAddon(without)], [true, false])
})

test('only who loads a module may load native code', () => {
  const rest = { root: '/r', dataDir: '/d', configFile: undefined, chain: [], env: {}, isFips: false, operatorFiles: [] }
  assert.ok(childCommand('custodian', { ...rest, hasAddon: true }).argv.includes('--allow-addons'))
  assert.ok(!childCommand('custodian', { ...rest, hasAddon: false }).argv.includes('--allow-addons'))
})
