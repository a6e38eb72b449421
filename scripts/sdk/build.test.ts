import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { newApiKey } from '@ngome/access'
import { systemClock, systemRandom } from '@ngome/kernel'
import { buildSdk } from './build.ts'
import { gzippedBytes, gzippedBytesMax, modulesOf, sdkEntries } from './size.ts'

/** A system's own Node 20, the oldest that the SDK runs on. */
const node20 = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => existsSync(path) &&
  spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.startsWith('v20.'))
const root = join(import.meta.dirname, '..', '..')

let project: string
let built: string

// As it lies in a merchant's project once it is installed.
before(() => {
  project = mkdtempSync(join(tmpdir(), 'ngome-sdk-'))
  built = join(project, 'node_modules', '@ngome', 'sdk')
  mkdirSync(built, { recursive: true })
  buildSdk(built)
})
after(() => rmSync(project, { recursive: true, force: true }))

suite('the built SDK', () => {
  test(`is below ${gzippedBytesMax / 1_000} kB compressed, for servers and for browsers`, (t) => {
    for (const entry of sdkEntries) {
      const bytes = gzippedBytes(built, entry)
      t.diagnostic(`${entry}: ${bytes} bytes with gzip`)
      assert.ok(bytes > 5_000 && bytes < gzippedBytesMax, `${entry}: ${bytes} bytes`)
    }
  })

  test('has no dependency, and holds nothing but modules, types, and what a package says of itself', () => {
    const manifest = JSON.parse(readFileSync(join(built, 'package.json'), 'utf8')) as Readonly<Record<string, unknown>>
    assert.deepEqual(Object.keys(manifest).filter((name) => /dependencies|scripts|private/i.test(name)), [])
    const other = globSync('**/*.*', { cwd: built }).filter((path) => !/\.js$|\.d\.ts$/.test(path))
    assert.deepEqual(other.toSorted(), ['README.md', 'package.json'])
    assert.ok(existsSync(join(built, 'LICENSE')))
    const imports = globSync('**/*.js', { cwd: built }).flatMap((path) => [...readFileSync(join(built, path), 'utf8').matchAll(/from '([^.'][^']*)'/g)].map(([, name]) => name))
    assert.deepEqual(new Set(imports), new Set(['node:crypto', 'node:https', 'node:tls']))
  })

  test('asks a browser for no module of Node', () => {
    const browser = modulesOf(join(built, 'browser', 'mod.js')).map((path) => readFileSync(path, 'utf8')).join('\n')
    assert.doesNotMatch(browser, /['"]node:/)
  })

  test('says the version that its package has', () => {
    const { version } = JSON.parse(readFileSync(join(built, 'package.json'), 'utf8')) as { readonly version: string }
    assert.ok(readFileSync(join(built, 'version.js'), 'utf8').includes(`'${version}'`))
  })
})

const program = `
  import assert from 'node:assert/strict'
  import { generateKeyPairSync, publicEncrypt, createCipheriv, createHash, createHmac, randomBytes, sign } from 'node:crypto'
  import { ConfigurationError, Ngome, PeerError, ConnectionError, SigningKey, decryptJwe, verifyWebhook } from '@ngome/sdk'
  const seen = []
  for (const options of [{}, { apiKey: 'x' }]) {
    try { new Ngome(options) } catch (error) { assert.ok(error instanceof ConfigurationError); seen.push(error.code) }
  }
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const key = new SigningKey({ keyId: 'msk_1', privateKey: pem })
  seen.push((await key.sign(new Uint8Array(3))).length)
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
  seen.push((await new SigningKey({ keyId: 'msk_2', privateKey: ed25519 }).sign(new Uint8Array(3))).length)
  const contentKey = randomBytes(32), iv = randomBytes(12)
  const header = Buffer.from('{"alg":"RSA-OAEP-256","enc":"A256GCM"}').toString('base64url')
  const cipher = createCipheriv('aes-256-gcm', contentKey, iv).setAAD(Buffer.from(header))
  const ciphertext = Buffer.concat([cipher.update('hello'), cipher.final()])
  const wrapped = publicEncrypt({ key: publicKey, oaepHash: 'sha256' }, contentKey)
  const jwe = [header, ...[wrapped, iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.')
  seen.push(Buffer.from(await decryptJwe(jwe, pem)).toString())
  const secret = randomBytes(32), at = String(Math.floor(Date.now() / 1000)), body = '{"type":"x","data":{}}'
  const signature = 'v1,' + createHmac('sha256', secret).update('evt_1.' + at + '.' + body).digest('base64')
  const headers = { 'webhook-id': 'evt_1', 'webhook-timestamp': at, 'webhook-signature': signature }
  seen.push((await verifyWebhook(body, headers, 'whsec_' + secret.toString('base64'))).event.type)
  // An answer that the platform signed, and one that somebody changed, with what this Node has of Ed25519.
  const { Ngome: Client } = await import('./node_modules/@ngome/sdk/browser/mod.js')
  const [custodian, gateway] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
  const idOf = (pair) => pair.publicKey.export({ format: 'jwk' }).x
  const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  const stated = part('{"alg":"EdDSA","typ":"ngome-answer-key+jws"}') + '.' + part({
    key: idOf(gateway), issued_at: new Date().toISOString(), expires_at: new Date(Date.now() + 60_000).toISOString(),
  })
  const statement = stated + '.' + sign(null, Buffer.from(stated), custodian.privateKey).toString('base64url')
  const answer = (text) => (url, { method, headers }) => {
    const digest = 'sha-256=:' + createHash('sha256').update('{}').digest('base64') + ':'
    const [, list, nonce] = /^ngome=(\\(.*\\));created;nonce="([^"]+)"/.exec(headers['accept-signature'])
    const input = list + ';created=' + Math.floor(Date.now() / 1000) + ';nonce="' + nonce + '";keyid="' + idOf(gateway) + '";tag="ngome-answer-v1"'
    const base = ['"@status": 200', '"content-type": application/json', '"content-digest": ' + digest, '"answer-key": ' + statement,
      '"@method";req: ' + method, '"@authority";req: api.example', '"@path";req: /v1/limits', '"@query";req: ?', '"@signature-params": ' + input].join('\\n')
    return Promise.resolve(new Response(text, { headers: {
      'content-type': 'application/json', 'content-digest': digest, 'answer-key': statement, 'signature-input': 'ngome=' + input,
      signature: 'ngome=:' + sign(null, Buffer.from(base), gateway.privateKey).toString('base64') + ':',
    } }))
  }
  const client = new Client({ apiKey: '${newApiKey({ world: 'test', clock: systemClock, random: systemRandom }).text.expose((text) => text)}', baseUrl: 'https://api.example', statementKey: idOf(custodian), retriesMax: 0, onWarning: () => undefined })
  for (const text of ['{}', '{ }']) {
    globalThis.fetch = answer(text)
    seen.push(await client.limits().then(() => 'proven', ({ code }) => code))
  }
  console.log(JSON.stringify(seen))
`
const expected = ['sdk/configuration', 'sdk/configuration', 384, 64, 'hello', 'x', 'proven', 'sdk/answer_unproven']

suite('a program that installed it', () => {
  const nodes: readonly (readonly [string, string | undefined])[] = [['this Node', process.execPath], ['Node 20', node20]]
  for (const [what, node] of nodes) {
    test(`runs on ${what}`, { skip: node === undefined ? 'no Node 20 is here (package nodejs)' : false }, () => {
      writeFileSync(join(project, 'program.mjs'), program)
      const { stdout, stderr } = spawnSync(node ?? '', ['program.mjs'], { cwd: project, encoding: 'utf8', env: {} })
      assert.deepEqual(JSON.parse(stdout || '[]'), expected, stderr)
    })
  }

  const typed = `import { Ngome, RateLimitError, type Payment } from '@ngome/sdk'
    const ngome = new Ngome({ apiKey: 'x', baseUrl: 'https://api.example.com' })
    export async function pay(): Promise<Payment> {
      try {
        return await ngome.payments.create({ amount: '5.00', currency: 'EUR', network: 'n', payer: { phone: '+1' }, reference: 'r' })
      } catch (error) {
        if (error instanceof RateLimitError) console.log(error.retryAfterS)
        throw error
      }
    }
    export async function all(): Promise<string[]> {
      const ids: string[] = []
      for await (const { id, status } of ngome.payments.list({ status: 'succeeded', limit: 50 })) if (status === 'succeeded') ids.push(id)
      return ids
    }`
  const mistakes: readonly (readonly [string, string])[] = [
    ['nothing', typed],
    ['an amount that is a number', typed.replace('\'5.00\'', '5')],
    ['a field that there is not', typed.replace('reference', 'refrence')],
    ['a state that there is not', typed.replaceAll('\'succeeded\'', '\'paid\'')],
  ]
  for (const [mistake, text] of mistakes) {
    test(`compiles without the types of Node, strictly, with ${mistake} wrong${mistake === 'nothing' ? '' : ': not'}`, () => {
      writeFileSync(join(project, 'program.ts'), text)
      const { status, stdout } = spawnSync(process.execPath, [
        join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022',
        '--lib', 'es2022,dom,dom.iterable,dom.asynciterable', '--module', 'nodenext', '--types', '', 'program.ts',
      ], { cwd: project, encoding: 'utf8' })
      assert.equal(status === 0, mistake === 'nothing', stdout)
    })
  }
})
