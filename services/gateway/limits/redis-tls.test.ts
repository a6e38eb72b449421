import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Want } from '@ngome/access'
import { Secret } from '@ngome/kernel'
import type { Config } from '@ngome/runtime'
import { freePorts, RedisServer, redisIsMissing, TestAuthority } from '@ngome/testkit'
import { connectRedis, type RedisStore } from './redis-store.ts'

type StoreConfig = NonNullable<Config['limits']['store']>

const password = 'correct-horse-battery'
/** All that a gateway needs of the store, as docs/limits.md has it; the script's own commands count too. */
const rights = 'resetchannels ~ngome:limits:* +ping +eval +evalsha +script|load +time +get +set +hmget +hset +pexpire'
const want: Want = { bucket: 'b', pace: { capacity: 20_000_000_000, gain: 1_000 }, need: 1_000_000, want: 1_000_000, debt: 0 }
const skip = redisIsMissing()
const folder = mkdtempSync(join(tmpdir(), 'ngome-redis-tls-'))
let server: RedisServer | undefined
let elsewhere: RedisServer | undefined
let authority: TestAuthority
let port = 0
let elsewherePort = 0

before(async () => {
  if (skip !== false) return
  authority = await TestAuthority.create()
  ;[port = 0, elsewherePort = 0] = await freePorts(2)
  server = await serverOf('here', port, {})
  elsewhere = await serverOf('elsewhere', elsewherePort, { hosts: ['elsewhere.example'] })
})
async function serverOf(name: string, tlsPort: number, options: Parameters<TestAuthority['issueWithKey']>[1]): Promise<RedisServer> {
  const { key, cert } = await authority.issueWithKey('gateway', options)
  const file = (what: string, text: string): string => {
    const path = join(folder, `${name}-${what}`)
    writeFileSync(path, text)
    return path
  }
  return RedisServer.start([
    '--tls-port', String(tlsPort), '--tls-protocols', 'TLSv1.3', '--tls-auth-clients', 'no',
    '--tls-cert-file', file('cert.pem', cert), '--tls-key-file', file('key.pem', key), '--tls-ca-cert-file', file('ca.pem', authority.pem),
    '--aclfile', file('users.acl', `user default off\nuser ngome on >${password} ${rights}\nuser other on >another-password ~other:* +ping\n`),
  ])
}
after(async () => {
  await server?.close()
  await elsewhere?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A store of this configuration, what it complained of, and what came of the first command that could be sent. */
async function scene(changes: Partial<StoreConfig> = {}): Promise<{ readonly store: RedisStore; readonly errors: string[] }> {
  const errors: string[] = []
  const store = connectRedis({
    url: `rediss://localhost:${port}`, user: 'ngome', password: new Secret(password), authority: new Secret(authority.pem), ...changes,
  }, (error) => errors.push(error instanceof Error ? `${error.message} ${'code' in error ? String(error.code) : ''}` : String(error)))
  return { store, errors }
}

async function untilSo(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let ms = 0; !await isSo(); ms += 20) {
    assert.ok(ms < 15_000, 'it did not come')
    await sleep(20)
  }
}

for (const host of ['localhost', '127.0.0.1']) test(`limits are taken over TLS 1.3 at ${host} by a user who may do nothing else, and again after the server was gone`, { skip, timeout: 60_000 }, async () => {
  const { store } = await scene({ url: `rediss://${host}:${port}` })
  const takes = (): Promise<boolean> => store.take([want]).then(([grant]) => (grant?.taken ?? 0) > 0, () => false)
  try {
    await untilSo(takes)
    await store.ping()
    await server?.kill()
    await untilSo(async () => !await takes())
    await server?.start()
    await untilSo(takes)
  } finally {
    store.stop()
  }
})

const refused: readonly (readonly [string, () => Promise<Partial<StoreConfig>>, RegExp])[] = [
  ['a wrong password', async () => ({ password: new Secret('wrong-password') }), /WRONGPASS/],
  ['a user that there is not', async () => ({ user: 'nobody' }), /WRONGPASS/],
  ['a server whose certificate is another authority\u2019s', async () => ({ authority: new Secret((await TestAuthority.create()).pem) }), /certificate/i],
  ['a server of another name', async () => ({ url: `rediss://localhost:${elsewherePort}` }), /altnames/],
  ['a server of another name, at its address', async () => ({ url: `rediss://127.0.0.1:${elsewherePort}` }), /altnames/],
  ['TLS where the server speaks none', async () => ({ url: `rediss://localhost:${server?.port ?? 0}` }), /timeout|closed|ECONNRESET/i],
]
for (const [threat, changes, complaint] of refused) {
  test(`takes nothing with ${threat}; the operator hears of it, and the password is nowhere`, { skip, timeout: 60_000 }, async () => {
    const { store, errors } = await scene(await changes())
    try {
      await untilSo(() => errors.some((error) => complaint.test(error)))
      await assert.rejects(store.take([want]))
      for (const error of errors) assert.doesNotMatch(error, new RegExp(`${password}|wrong-password`))
    } finally {
      store.stop()
    }
  })
}

test('a user of others\u2019 keys takes nothing of ours', { skip, timeout: 60_000 }, async () => {
  const { store } = await scene({ user: 'other', password: new Secret('another-password') })
  try {
    await untilSo(() => store.ping().then(() => true, () => false))
    await assert.rejects(store.take([want]), /NOPERM/)
  } finally {
    store.stop()
  }
})

test('what comes without TLS to the port for it gets nothing', { skip, timeout: 60_000 }, async () => {
  const answer = await new Promise<string>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    let text = ''
    socket.on('data', (bytes: Buffer) => { text += bytes.toString('latin1') }).on('close', () => resolve(text)).on('error', () => undefined)
    socket.write(`AUTH ngome ${password}\r\nPING\r\n`)
  })
  assert.doesNotMatch(answer, /OK|PONG/)
})
