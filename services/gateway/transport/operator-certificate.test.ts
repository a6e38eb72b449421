import assert from 'node:assert/strict'
import { generateKeyPairSync, KeyObject, X509Certificate } from 'node:crypto'
import { chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { after, before, describe, test } from 'node:test'
import { certificateRefusals, type CertificateRefusal } from '@ngome/contracts'
import { systemClock, systemRandom } from '@ngome/kernel'
import { x509 } from '@ngome/runtime'
import { OcspAuthority, TestAuthority, testDatabase, type TestDatabase } from '@ngome/testkit'
import { TestGateway } from '../testing/test-gateway.ts'
import type { PublicCertificate } from '../http/public-server.ts'
import { judgeCertificate } from './judge-certificate.ts'
import { OperatorCertificate } from './operator-certificate.ts'

type Pair = { readonly key: string; readonly cert: string }
const names = ['localhost', '127.0.0.1']
const dayMs = 86_400_000

let authority: TestAuthority
let database: TestDatabase
let good: Pair
let better: Pair
const folder = mkdtempSync(join(tmpdir(), 'ngome-certificate-'))
before(async () => {
  authority = await TestAuthority.create()
  database = await testDatabase()
  good = await authority.issueWithKey('gateway')
  better = await authority.issueWithKey('gateway')
})
after(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

/** Each row is a pair that must not be served. */
const bad: readonly (readonly [string, CertificateRefusal, () => Promise<Partial<Pair> & { readonly mode?: number }>])[] = [
  ['a key that others may read', 'key_exposed', async () => ({ mode: 0o644 })],
  ['a key that a group may write', 'key_exposed', async () => ({ mode: 0o620 })],
  ['garbage for a certificate', 'not_pem', async () => ({ cert: 'garbage' })],
  ['garbage for a key', 'not_pem', async () => ({ key: 'garbage' })],
  ['an empty certificate', 'not_pem', async () => ({ cert: '' })],
  ['half a certificate', 'not_pem', async () => ({ cert: good.cert.slice(0, 400) })],
  ['a certificate, and half of the next', 'not_pem', async () => ({ cert: good.cert + authority.pem.slice(0, 200) })],
  ['a key where the certificate should be', 'not_pem', async () => ({ cert: good.key })],
  ['a key under a passphrase', 'not_pem', async () => ({
    key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
  })],
  ['the key of another certificate', 'key_mismatch', async () => ({ key: better.key })],
  ['a chain out of order', 'key_mismatch', async () => ({ cert: authority.pem + good.cert })],
  ['a chain with a stranger in it', 'chain_disordered', async () => ({ cert: good.cert + (await TestAuthority.create()).pem })],
  ['a chain with a leaf above the leaf', 'chain_disordered', async () => ({ cert: good.cert + better.cert })],
  ['a certificate that ended', 'expired', () => authority.issueWithKey('gateway', { notBefore: new Date(Date.now() - 2 * dayMs), notAfter: new Date(Date.now() - dayMs) })],
  ['a certificate of tomorrow', 'not_yet_valid', () => authority.issueWithKey('gateway', { notBefore: new Date(Date.now() + dayMs), notAfter: new Date(Date.now() + 2 * dayMs) })],
  ['a certificate of another name', 'name_missing', () => authority.issueWithKey('gateway', { hosts: ['api.example'] })],
  ['a certificate for clients only', 'not_for_servers', () => made({ usage: '1.3.6.1.5.5.7.3.2' })],
  ['an authority\'s own certificate', 'not_for_servers', () => made({ isAuthority: true })],
  ['RSA of 2048 bits', 'key_weak', () => made({ bits: 2_048 })],
  ['a signature over SHA-1', 'signature_weak', () => made({ hash: 'SHA-1' })],
  ['a demand for a stapled answer that nobody can be asked for', 'must_staple', () => made({ isStapled: true })],
  ['a certificate of one name of two', 'name_missing', () => authority.issueWithKey('gateway', { hosts: ['localhost'] })],
]

test('a pair that fits is taken, with or without the root that clients have', () => {
  for (const chain of [good.cert, good.cert + authority.pem, `# ours\n${good.cert.replaceAll('\n', '\r\n')}`]) {
    const verdict = judgeCertificate({ chain, key: good.key, keyMode: 0o640 }, { names, nowMs: Date.now() })
    assert.equal(verdict.ok, true, JSON.stringify(verdict))
  }
})

test('a pair that demands a stapled answer is taken where its authority can be asked for one, and not without its issuer', async () => {
  const stapled = await OcspAuthority.create()
  const leaf = await stapled.issue({ responder: 'http://ocsp.example/', isStapleDemanded: true, hosts: ['localhost'] })
  const judge = (chain: string) => judgeCertificate({ chain, key: leaf.key, keyMode: 0o600 }, { names: ['localhost'], nowMs: Date.now() })
  assert.equal(judge(stapled.chainOf(leaf)).ok, true)
  assert.deepEqual(judge(leaf.cert), { ok: false, reason: 'must_staple' })
})

describe('is refused, told, and the one before stays:', () => {
  for (const [claim, reason, make] of bad) {
    test(claim, async () => {
      const served = await following()
      const { mode = 0o600, ...pair } = await make()
      served.write({ ...good, ...pair }, mode)
      served.look()
      served.look()
      assert.equal(served.now(), undefined)
      assert.deepEqual(served.told(), [{ reason, alarm: true }])
      // It is told once, and what fits is taken again after it.
      served.look()
      assert.equal(served.told().length, 1)
      served.write(better)
      served.look()
      served.look()
      assert.equal(serialOf(served.now()?.cert), serialOf(better.cert))
      assert.throws(() => {
        served.write({ ...good, ...pair }, mode)
        served.files.first()
      }, { code: 'config/invalid' })
    })
  }

  test('every reason has its row, but files that are not there, which come below, and what only an ordered chain is refused for', () => {
    const met = new Set(bad.map(([, reason]) => reason))
    assert.deepEqual(certificateRefusals.filter((reason) => !met.has(reason)), ['unreadable', 'names_differ', 'chain_untrusted'])
  })
})

test('files that are gone are told, and taken up when they are back', async () => {
  const served = await following()
  unlinkSync(served.paths.keyPath)
  served.look()
  served.look()
  assert.deepEqual(served.told(), [{ reason: 'unreadable', alarm: true }])
  assert.throws(() => served.files.first(), /cannot be served: unreadable by this process, which is user [0-9]+$/)
  served.write(better)
  served.look()
  served.look()
  assert.equal(serialOf(served.now()?.cert), serialOf(better.cert))
})

test('two files that are written one after the other are judged together, and a rename and a link are seen', async () => {
  const served = await following()
  writeFileSync(served.paths.certificatePath, better.cert)
  served.look()
  writeFileSync(served.paths.keyPath, better.key, { mode: 0o600 })
  served.look()
  served.look()
  assert.deepEqual(served.told(), [])
  assert.equal(serialOf(served.now()?.cert), serialOf(better.cert))
  for (const [path, text] of [[served.paths.certificatePath, good.cert], [served.paths.keyPath, good.key]] as const) {
    writeFileSync(`${path}.new`, text, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
  served.look()
  served.look()
  assert.equal(serialOf(served.now()?.cert), serialOf(good.cert))
  const other = join(folder, 'linked.pem')
  writeFileSync(other, better.cert)
  unlinkSync(served.paths.certificatePath)
  symlinkSync(other, served.paths.certificatePath)
  served.look()
  writeFileSync(served.paths.keyPath, better.key)
  served.look()
  served.look()
  assert.equal(serialOf(served.now()?.cert), serialOf(better.cert))
})

/** What our own authority would not issue, under a key of RSA. */
async function made({ bits = 3_072, hash = 'SHA-256', usage = '1.3.6.1.5.5.7.3.1', isAuthority = false, isStapled = false }: {
  readonly bits?: number; readonly hash?: 'SHA-1' | 'SHA-256'; readonly usage?: string; readonly isAuthority?: boolean; readonly isStapled?: boolean
}): Promise<Pair> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash, modulusLength: bits, publicExponent: new Uint8Array([1, 0, 1]) }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=api', issuer: 'CN=somebody', publicKey: keys.publicKey, signingKey: keys.privateKey, signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 1_000), notAfter: new Date(Date.now() + dayMs),
    extensions: [
      // RFC 7633 §6: the feature status_request (5).
      ...isStapled ? [new x509.Extension('1.3.6.1.5.5.7.1.24', false, new Uint8Array([0x30, 3, 2, 1, 5]))] : [],
      new x509.BasicConstraintsExtension(isAuthority), new x509.ExtendedKeyUsageExtension([usage]),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }, { type: 'ip', value: '127.0.0.1' }]),
    ],
  })
  return { cert: certificate.toString('pem'), key: String(KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' })) }
}

let serial = 0
async function following() {
  const [certificatePath, keyPath] = [join(folder, `cert-${++serial}.pem`), join(folder, `key-${serial}.pem`)]
  const logged: unknown[] = []
  let now: PublicCertificate | undefined
  const write = (pair: Pair, mode = 0o600): void => {
    writeFileSync(certificatePath, pair.cert)
    writeFileSync(keyPath, pair.key)
    chmodSync(keyPath, mode)
  }
  write(good)
  const files = new OperatorCertificate({
    paths: { certificatePath, keyPath }, names, database: database.open('ngome_gateway', { poolMax: 1 }), clock: systemClock, random: systemRandom,
    logger: { info: () => undefined, error: (line: { alarm?: true }) => { if (line.alarm === true) logged.push(line) } } as never,
  })
  assert.equal(serialOf(files.first().cert), serialOf(good.cert))
  return {
    files, write, paths: { certificatePath, keyPath }, now: () => now, told: () => logged,
    look: () => files.look((certificate) => { now = certificate }),
  }
}

function serialOf(pem: string | undefined): string | undefined {
  return pem === undefined ? undefined : new X509Certificate(pem).serialNumber
}

test('a running gateway serves the operator\'s files, and the next ones without a restart', async (t) => {
  const [certificatePath, keyPath] = [join(folder, 'running.pem'), join(folder, 'running.key')]
  writeFileSync(certificatePath, good.cert)
  writeFileSync(keyPath, good.key, { mode: 0o600 })
  const running = await TestGateway.start({
    config: ({ gateway, ...config }) => ({
      ...config, gateway: { ...gateway, checkoutOrigin: undefined, certificateNames: gateway.publicNames, tls: { ...gateway.tls, certificatePath, keyPath } },
    }),
  })
  t.after(() => running.close())
  const served = (): Promise<string | undefined> => new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: running.port, servername: 'localhost', ca: authority.pem }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber)
      socket.destroy()
    })
    socket.once('error', reject)
  })
  assert.equal(await served(), serialOf(good.cert))
  writeFileSync(certificatePath, better.cert)
  writeFileSync(keyPath, better.key)
  const deadline = Date.now() + 30_000
  while (await served() !== serialOf(better.cert)) {
    assert.ok(Date.now() < deadline, 'the next certificate is not served')
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  const events = await running.database.asAdmin(`SELECT type, data FROM ngome.events WHERE type LIKE 'tls.certificate%'`)
  assert.deepEqual(events.map(({ type }) => type), ['tls.certificate_loaded'])
})
