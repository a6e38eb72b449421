import { generateKeyPairSync } from 'node:crypto'
import { answerKeyId, signAnswerRaw, stateAnswerKeyRaw, type AnswerKeyParts, type AnswerParts, type SentAnswer } from './raw-answer.ts'

/** @param usual what would be taken @returns what is sent in its place */
export type AnswerAttack = (usual: AnswerParts) => SentAnswer

const stranger = generateKeyPairSync('ed25519')

/** Signs something else, with the right key: an answer that we gave once, or that only a gateway itself could make. */
const signed = (change: (usual: AnswerParts) => Partial<AnswerParts>): AnswerAttack => (usual) => signAnswerRaw({ ...usual, ...change(usual) })
const input = (change: (usual: string) => string): AnswerAttack => signed(() => ({ input: change }))
const ofRequest = (change: (request: AnswerParts['request']) => Partial<AnswerParts['request']>): AnswerAttack =>
  signed(({ request }) => ({ request: { ...request, ...change(request) } }))
const ofHeaders = (change: Readonly<Record<string, string>>): AnswerAttack => ofRequest(({ headers }) => ({ headers: { ...headers, ...change } }))

/** Signs as it should be, then changes what arrives. */
const afterwards = (change: (answer: SentAnswer) => Partial<SentAnswer>): AnswerAttack => (usual) => {
  const answer = signAnswerRaw(usual)
  return { ...answer, ...change(answer) }
}
const header = (name: string, change: (value: string) => string): AnswerAttack =>
  afterwards(({ headers }) => ({ headers: { ...headers, [name]: change(headers[name] ?? '') } }))
const without = (name: string): AnswerAttack =>
  afterwards(({ headers }) => ({ headers: Object.fromEntries(Object.entries(headers).filter(([one]) => one !== name)) }))
const headers = (change: (text: string) => string): AnswerAttack =>
  afterwards(({ headers: all }) => ({ headers: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, change(value)])) }))

const emptyDigest = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'

/** One way each to have another answer taken for the one that was asked for: all are refused, and alike. */
export const answerAttacks: Readonly<Record<string, AnswerAttack>> = {
  'an answer to another request of the same form': signed(() => ({ nonce: 'A'.repeat(24) })),
  'an answer to another path': ofRequest(() => ({ target: '/v1/payments/pay_2' })),
  'an answer to another query': ofRequest(({ target }) => ({ target: `${target}&limit=3` })),
  'an answer to another method': ofRequest(() => ({ method: 'DELETE' })),
  'an answer of another host': ofRequest(() => ({ host: 'other.example' })),
  'an answer to another body': ofHeaders({ 'content-digest': emptyDigest }),
  'an answer to another idempotency key': ofHeaders({ 'idempotency-key': 'order-2' }),
  'an answer to the request with another signature': ofHeaders({ signature: 'ngome=:AAAA:' }),
  'another status': afterwards(({ status }) => ({ status: status + 1 })),
  'another body': afterwards(({ body }) => ({ body: `${body} ` })),
  'another body with its digest': afterwards(({ headers: all }) => ({ body: '', headers: { ...all, 'content-digest': emptyDigest } })),
  'a digest of another algorithm beside it': header('content-digest', (value) => `${value}, md5=:AAAA:`),
  'another content type': header('content-type', () => 'text/html'),
  ...Object.fromEntries(['content-type', 'content-digest', 'answer-key', 'signature-input', 'signature'].map((name) => [`${name} stripped`, without(name)])),
  'no header of a signature at all': afterwards(({ headers: all }) => ({ headers: { 'content-type': all['content-type'] ?? '' } })),
  'the key of another gateway under this statement': signed(() => ({ privateKey: stranger.privateKey })),
  'the key of another gateway by this one\'s name': signed(({ privateKey }) => ({ privateKey: stranger.privateKey, keyId: answerKeyId(privateKey) })),
  'this key by another\'s name': signed(() => ({ keyId: answerKeyId(stranger.privateKey) })),
  'a time that is over': signed(({ createdS }) => ({ createdS: createdS - 301 })),
  'a time to come': signed(({ createdS }) => ({ createdS: createdS + 301 })),
  'no time': input((usual) => usual.replace(/;created=[0-9]+/, '')),
  'an algorithm beside it': input((usual) => `${usual};alg="ed25519"`),
  'another algorithm': input((usual) => `${usual};alg="hmac-sha256"`),
  'another tag': input((usual) => usual.replace('ngome-answer-v1', 'ngome-v1')),
  'no tag': input((usual) => usual.replace(/;tag=.*$/, '')),
  'an end of its own': input((usual) => `${usual};expires=1900000000`),
  'a nonce twice': input((usual) => usual.replace(/;nonce="[^"]+"/, (nonce) => `;nonce="${'A'.repeat(24)}"${nonce}`)),
  ...Object.fromEntries(['"@status" ', '"content-type" ', '"content-digest" ', '"answer-key" ', '"@method";req ', '"@authority";req ', '"@path";req '].map((name) => [
    `${name}is not covered`, input((usual) => usual.replace(name, '')),
  ])),
  'one component more is covered': input((usual) => usual.replace('"@status"', '"@status" "date"')),
  'components in another order': input((usual) => usual.replace('"@status" "content-type"', '"content-type" "@status"')),
  'a component twice': input((usual) => usual.replace('"@status"', '"@status" "@status"')),
  'a component of the request taken of the answer': input((usual) => usual.replace('"content-digest";req', '"content-digest"')),
  'a component of the answer taken of the request': input((usual) => usual.replace('"content-digest" ', '"content-digest";req ')),
  'a label twice': headers((value) => value.startsWith('ngome=') ? `${value}, ${value}` : value),
  'a second label': headers((value) => value.startsWith('ngome=') ? `${value}, other=${value.slice('ngome='.length)}` : value),
  'another label': headers((value) => value.replace(/^ngome=/, 'sig1=')),
  'another spelling': header('signature-input', (value) => value.replace(';nonce', '; nonce')),
  'a signature with a parameter': header('signature', (value) => `${value};x`),
  'a signature that is cut short': header('signature', () => 'ngome=:AAAA:'),
  'a signature without its padding': header('signature', (value) => value.replaceAll('=:', ':').replace('ngome:', 'ngome=:')),
  'no signature in its place': header('signature', () => 'ngome=::'),
}

/** @returns a statement that does not count */
export type AnswerKeyAttack = (usual: AnswerKeyParts, nowMs: number) => string

const day = 86_400_000
const stated = (change: (usual: AnswerKeyParts, nowMs: number) => Partial<AnswerKeyParts>): AnswerKeyAttack =>
  (usual, nowMs) => stateAnswerKeyRaw({ ...usual, ...change(usual, nowMs) })

/** One way each to have a key believed that the custodian does not state now. */
export const answerKeyAttacks: Readonly<Record<string, AnswerKeyAttack>> = {
  'somebody else\'s statement': stated(() => ({ signer: stranger.privateKey })),
  'a statement that the key made of itself': stated(() => ({ signer: stranger.privateKey, key: answerKeyId(stranger.privateKey) })),
  'a statement that ended': stated((_, nowMs) => ({ fromMs: nowMs - day, untilMs: nowMs })),
  'a statement that has not begun': stated((_, nowMs) => ({ fromMs: nowMs + 301_000, untilMs: nowMs + day })),
  'a statement of another kind': stated(() => ({ head: '{"alg":"EdDSA","typ":"ngome-pins+jws"}' })),
  'a statement by another algorithm': stated(() => ({ head: '{"alg":"HS256","typ":"ngome-answer-key+jws"}' })),
  'a statement by none': (usual) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${stateAnswerKeyRaw(usual).split('.')[1]}.`,
  'a statement without its signature': (usual) => stateAnswerKeyRaw(usual).replace(/[^.]+$/, ''),
  'a statement whose end was changed': (usual) => {
    const [head, , signature] = stateAnswerKeyRaw(usual).split('.')
    return [head, stateAnswerKeyRaw({ ...usual, untilMs: usual.untilMs + day }).split('.')[1], signature].join('.')
  },
  'a fourth part': (usual) => `${stateAnswerKeyRaw(usual)}.AAAA`,
  'padding': (usual) => `${stateAnswerKeyRaw(usual)}=`,
  'no statement': () => 'stated',
  'more than a statement can be': (usual) => `${stateAnswerKeyRaw(usual)}${'A'.repeat(1_024)}`,
}
