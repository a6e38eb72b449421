import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { ManualClock, newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { isAnswerSigned } from '@ngome/signatures'
import { answerKeyId, signAnswerRaw, stateAnswerKeyRaw, TestAuthority } from '@ngome/testkit'
import { answersAreSigned, answersAreSignedBy } from './probes/answers-are-signed.ts'
import { runProbes } from './run-probes.ts'

const from = { clock: systemClock, random: systemRandom }
const page = '{"object":"list","data":[]}'
const [own, stranger] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]

/** What a saboteur left out of a gateway, or changed in it. */
type Sabotage = 'none' | 'refuses all' | 'signs nothing' | 'signs no refusal' | 'a key of its own' | 'a key that ended' | 'an old answer' | 'signs unasked' | 'signs for nobody'
let sabotage: Sabotage = 'none'
let firstNonce: string | undefined
let server: Server
let authority: TestAuthority
before(async () => {
  authority = await TestAuthority.create()
  server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (request, response) => {
    request.resume().on('end', () => {
      const { status, headers, body } = answer(request)
      response.writeHead(status, { ...headers, connection: 'close' }).end(body)
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => { server.close() })

function answer({ url = '', headers: { host = '', authorization, 'accept-signature': asks } }: IncomingMessage) {
  const isKnown = authorization !== undefined && sabotage !== 'refuses all'
  const status = !isKnown ? 401 : url.endsWith('no') ? 422 : 200
  const bare = { status, headers: { 'content-type': 'application/json' }, body: page }
  const isDue = isKnown && asks !== undefined && sabotage !== 'signs nothing' && (status === 200 || sabotage !== 'signs no refusal')
  if (!isDue && !(sabotage === 'signs unasked' && isKnown) && !(sabotage === 'signs for nobody' && asks !== undefined)) return bare
  const nonce = /;nonce="([^"]+)"/.exec(asks?.toString() ?? '')?.[1] ?? ''
  firstNonce ??= nonce
  const nowMs = from.clock.nowMs()
  const untilMs = sabotage === 'a key that ended' ? nowMs - 1 : nowMs + 60_000
  const signer = sabotage === 'a key of its own' ? stranger.privateKey : authority.statementKeys.privateKey
  return signAnswerRaw({
    request: { method: 'GET', target: url, host, headers: {} }, status, contentType: 'application/json', body: page,
    nonce: sabotage === 'an old answer' ? firstNonce : nonce, createdS: Math.floor(nowMs / 1_000), privateKey: own.privateKey,
    statement: stateAnswerKeyRaw({ key: answerKeyId(own.privateKey), fromMs: nowMs - 60_000, untilMs, signer }),
  })
}

async function verdictOf(probe = answersAreSigned): Promise<string> {
  firstNonce = undefined
  const [result] = await runProbes([probe], {
    gateway: { name: 'gateway', host: '127.0.0.1', port: (server.address() as AddressInfo).port }, authority: authority.pem,
    merchant: () => Promise.resolve({ tenant: { merchant: newId('merchant', from), world: 'test' }, apiKey: new Secret('key') }),
    custodian: { statementKey: () => Promise.resolve(authority.statementKeys.publicKey) }, ...from,
  }, new ManualClock(0))
  return `${result?.status}: ${result?.evidence}`
}

const found: readonly (readonly [Sabotage, string])[] = [
  ['none', 'holds'], ['refuses all', 'fails: who asked'], ['signs nothing', 'fails: an answer that was asked for'], ['signs no refusal', 'fails: a refusal'],
  ['a key of its own', 'fails: an answer that was asked for'], ['a key that ended', 'fails: an answer that was asked for'], ['an old answer', 'fails: a refusal'],
  ['signs unasked', 'fails: an answer was signed for nobody'], ['signs for nobody', 'fails: an answer was signed for nobody'],
]
for (const [what, verdict] of found) {
  test(`a gateway that a saboteur changed (${what}): ${verdict}`, async () => {
    sabotage = what
    const said = await verdictOf()
    assert.ok(said.startsWith(verdict), said)
  })
}

/** Verifiers that leave out one part of what an answer says. */
const blind: Readonly<Record<string, typeof isAnswerSigned>> = {
  'with another status': (answer, expected) => isAnswerSigned({ ...answer, status: answer.status === 201 ? 200 : answer.status }, expected),
  'with another body': (answer, expected) => isAnswerSigned({ ...answer, body: Buffer.from(page) }, expected),
  'with another type': (answer, expected) => isAnswerSigned({ ...answer, field: (name) => name === 'content-type' ? 'application/json' : answer.field(name) }, expected),
  'for another request': (answer, expected) => isAnswerSigned({ ...answer, request: { ...answer.request, target: answer.request.target?.replace('=2', '=1') ?? '' } }, expected),
  'for the next request of the same kind': (answer, expected) => isAnswerSigned(answer, { ...expected, nonce: /;nonce="([^"]+)"/.exec(answer.field('signature-input') ?? '')?.[1] ?? '' }),
}
for (const [what, verify] of Object.entries(blind)) {
  test(`a verifier that takes an answer ${what}: fails`, async () => {
    sabotage = 'none'
    assert.equal(await verdictOf(answersAreSignedBy(verify)), `fails: an answer is proven ${what}`)
  })
}
