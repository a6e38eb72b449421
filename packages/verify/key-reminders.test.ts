import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { newApiKey } from '@ngome/access'
import { ManualClock, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { TestAuthority } from '@ngome/testkit'
import { oldAndUnusedKeysAreToldOf } from './probes/old-and-unused-keys-are-told-of.ts'
import { runProbes } from './run-probes.ts'

/** What a saboteur left out of a platform, or put into it. */
type Sabotage = 'none' | 'tells nobody' | 'tells of no unused' | 'tells of no old' | 'tells of all' | 'calls used keys unused' | 'shows used keys as unused'
  | 'tells twice' | 'hides it from the merchant' | 'hides it from the operator'
type Kept = { readonly id: string; readonly text: string; readonly periodMs: number; readonly createdAtMs: number; usedAtMs: number }
let sabotage: Sabotage = 'none'
let keys: Kept[] = []
let server: Server
let authority: TestAuthority

const unusedOf = ({ usedAtMs, periodMs }: Kept): boolean => usedAtMs + periodMs <= systemClock.nowMs()
const dueOf = ({ createdAtMs, periodMs }: Kept): boolean => createdAtMs + periodMs <= systemClock.nowMs()

before(async () => {
  authority = await TestAuthority.create()
  server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (request, response) => {
    const asking = keys.find(({ text }) => `Bearer ${text}` === request.headers.authorization)
    if (asking !== undefined) asking.usedAtMs = systemClock.nowMs()
    const asked = keys.find(({ id }) => request.url === `/v1/api_keys/${id}`)
    const view = asked === undefined ? {} : {
      is_rotation_due: dueOf(asked) && sabotage !== 'hides it from the merchant', is_unused: unusedOf(asked) || sabotage === 'shows used keys as unused',
    }
    response.writeHead(asked === undefined ? 404 : 200, { connection: 'close' }).end(JSON.stringify(view))
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => { server.close() })

function eventsOf(key: Kept): readonly string[] {
  if (sabotage === 'tells nobody' || !(dueOf(key) || sabotage === 'tells of all')) return []
  return [
    ...sabotage === 'tells of no old' ? [] : ['api_key.rotation_due'], ...sabotage === 'tells twice' ? ['api_key.rotation_due'] : [],
    ...sabotage !== 'tells of no unused' && (unusedOf(key) || sabotage === 'calls used keys unused') ? ['api_key.unused'] : [],
  ]
}

async function look(): Promise<string> {
  keys = []
  const [result] = await runProbes([oldAndUnusedKeysAreToldOf], {
    gateway: { name: 'gateway', host: '127.0.0.1', port: (server.address() as AddressInfo).port }, authority: authority.pem, clock: systemClock,
    pace: { idleS: 0.1, usedS: 0.3, withinMs: 200, lookEveryMs: 20 },
    auditor: { query: <Row>() => Promise.resolve(keys.flatMap((key) => eventsOf(key).map((type) => ({ type, key: key.id }))) as unknown as readonly Row[]) },
    issueKeyToRoll: (rotateAfterS: number | null) => {
      const { id, text } = newApiKey({ world: 'test', clock: systemClock, random: systemRandom })
      const shown = text.expose((value) => value)
      const nowMs = systemClock.nowMs()
      keys.push({ id, text: shown, periodMs: rotateAfterS === null ? Infinity : rotateAfterS * 1_000, createdAtMs: nowMs, usedAtMs: nowMs })
      return Promise.resolve(new Secret(shown))
    },
    listedKey: (key: Secret<string>) => {
      const found = key.expose((text) => keys.find((one) => one.text === text))
      return Promise.resolve(found && { isRotationDue: dueOf(found) && sabotage !== 'hides it from the operator', isUnused: unusedOf(found) })
    },
  }, new ManualClock(0))
  return `${result?.status}: ${result?.evidence}`
}

const found: readonly (readonly [Sabotage, string])[] = [
  ['none', 'holds'], ['tells nobody', 'fails: nobody is told of a key that nobody uses'], ['tells of no unused', 'fails: nobody is told of a key that nobody uses'],
  ['tells of no old', 'fails: nobody is told of a key that is to be rolled'], ['tells of all', 'fails: people are reminded of a key whose time'],
  ['calls used keys unused', 'fails: a key that is used all the time is told of'], ['shows used keys as unused', 'fails: a key that is used all the time is called'],
  ['tells twice', 'fails: the reminders of keys are not'], ['hides it from the merchant', 'fails: a merchant does not see'],
  ['hides it from the operator', 'fails: the operator\'s list does not say'],
]
for (const [what, verdict] of found) {
  test(`a platform that a saboteur changed (${what}): ${verdict}`, async () => {
    sabotage = what
    const said = await look()
    assert.ok(said.startsWith(verdict), said)
  })
}
