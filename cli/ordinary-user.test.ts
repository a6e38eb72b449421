import assert from 'node:assert/strict'
import { chownSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Platform } from '@ngome/testkit'
import { findProgram } from './launcher/find-program.ts'
import { paymentEnd, takePayment } from './testing/take-payment.ts'

/** Every Linux has this user, and it owns nothing. */
const nobody = Number(/^nobody:[^:]*:([0-9]+):/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[1] ?? Number.NaN)

const setpriv = findProgram('setpriv')
const skip = (process.getuid?.() !== 0 || setpriv === undefined || Number.isNaN(nobody)) && 'needs root, to become somebody else'

test('an ordinary user runs the platform; what it lacks of isolation is said', { skip }, async (t) => {
  const platform = await Platform.create({ as: [setpriv ?? '', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'] })
  t.after(() => platform.remove())
  chownSync(platform.folder, nobody, nobody)
  const greeting = await platform.up()
  const client = platform.client()
  const payment = await takePayment(client)
  assert.equal((await paymentEnd(client, payment.id)).status, 'succeeded')
  client.close()

  assert.equal(statSync(join(platform.dataFolder, 'custodian', 'root.key')).uid, nobody)
  const states = Object.fromEntries(Object.entries(greeting.isolation).map(([name, { status }]) => [name, status]))
  assert.deepEqual([states['ownUsers'], states['egressRules']], ['off', 'off'])
  assert.deepEqual([states['permissionModel'], states['noNewPrivileges'], states['noCapabilities'], states['noCoreDumps']], ['on', 'on', 'on', 'on'])
  assert.match(platform.output, /process isolation: partial; missing: own users \(the launcher was not started as root\)/)

  assert.equal(await platform.stop(), 0)
  assert.deepEqual(platform.running(), [])
})
