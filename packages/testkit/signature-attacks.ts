import { constants, sign, type KeyObject } from 'node:crypto'
import { defaultComponents, defaultParameters, digestOf, newNonce, signRaw, type SignedRequest, type SigningOptions } from './raw-signature.ts'

/** What an attack works with: a request that would be accepted, and the means to sign it. */
export type AttackedRequest = { readonly request: SignedRequest; readonly signer: SigningOptions }
/** @returns the request as the attacker sends it */
export type SignatureAttack = (attacked: AttackedRequest) => SignedRequest

/** PSS with the hash and salt of the algorithm, or others. */
export function signPss(key: KeyObject, hash = 'sha512', saltLength = 64): (base: Uint8Array) => Uint8Array {
  return (base) => sign(hash, base, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
}

/** Signs with these parameters, which stand for the usual ones. */
function withParameters(change: (usual: string, signer: SigningOptions) => string): SignatureAttack {
  return ({ request, signer }) => signRaw(request, { ...signer, parameters: change(defaultParameters(signer), signer) })
}

function withComponents(change: (usual: readonly string[]) => readonly string[]): SignatureAttack {
  return ({ request, signer }) => signRaw(request, { ...signer, components: change(defaultComponents(request)) })
}

/** Signs as it should be, then changes what is sent. */
function afterwards(change: (signed: SignedRequest) => Partial<SignedRequest>): SignatureAttack {
  return ({ request, signer }) => {
    const signed = signRaw(request, signer)
    return { ...signed, ...change(signed) }
  }
}

function headersAfterwards(change: (headers: Readonly<Record<string, string>>) => Readonly<Record<string, string | undefined>>): SignatureAttack {
  return afterwards(({ headers }) => {
    const changed = Object.entries({ ...headers, ...change(headers) })
    return { headers: Object.fromEntries(changed.filter((entry): entry is [string, string] => entry[1] !== undefined)) }
  })
}

function withDigest(digest: (body: string) => string): SignatureAttack {
  return ({ request, signer }) => signRaw({ ...request, headers: { ...request.headers, 'content-digest': digest(request.body) } }, signer)
}

const components: Readonly<Record<string, SignatureAttack>> = {
  ...Object.fromEntries(['@method', '@authority', '@path', '@query', 'content-digest', 'idempotency-key'].map((name) => [
    `${name} is not covered`, withComponents((usual) => usual.filter((component) => component !== `"${name}"`)),
  ])),
  'nothing is covered': withComponents(() => []),
  'one component more is covered': withComponents((usual) => [...usual, '"content-type"']),
  'the API key is covered': withComponents((usual) => [...usual, '"authorization"']),
  'a component is covered twice': withComponents((usual) => [...usual, '"@method"']),
  'components in another order': withComponents((usual) => usual.toReversed()),
  ...Object.fromEntries(['req', 'sf', 'bs', 'tr', 'key="a"'].map((parameter) => [
    `a component with ;${parameter}`, withComponents((usual) => usual.map((one) => one === '"content-digest"' ? `${one};${parameter}` : one)),
  ])),
  'a component in upper case': withComponents((usual) => usual.map((one) => one === '"content-digest"' ? '"Content-Digest"' : one)),
  'a component that is a token': withComponents((usual) => usual.map((one) => one === '"content-digest"' ? 'content-digest' : one)),
  'a component that no request has': withComponents((usual) => [...usual, '"@status"']),
}

const parameters: Readonly<Record<string, SignatureAttack>> = {
  'created too long ago': withParameters((_usual, signer) => defaultParameters({ ...signer, createdS: signer.createdS - 330 })),
  'created in the future': withParameters((_usual, signer) => defaultParameters({ ...signer, createdS: signer.createdS + 330 })),
  'created is missing': withParameters((usual) => usual.replace(/;created=[0-9]+/, '')),
  'created with a fraction': withParameters((usual) => usual.replace(/;created=[0-9]+/, '$&.0')),
  'created as a text': withParameters((usual) => usual.replace(/;created=([0-9]+)/, ';created="$1"')),
  'created twice': withParameters((usual, { createdS }) => `;created=${createdS - 10_000}${usual}`),
  'nonce is missing': withParameters((usual) => usual.replace(/;nonce="[^"]*"/, '')),
  'a nonce of 21 characters': withParameters((_usual, signer) => defaultParameters(signer, newNonce().slice(0, 21))),
  'a nonce of 65 characters': withParameters((_usual, signer) => defaultParameters(signer, 'a'.repeat(65))),
  'a nonce of another alphabet': withParameters((_usual, signer) => defaultParameters(signer, `${newNonce().slice(0, 23)}+`)),
  'two nonces': withParameters((usual) => `${usual};nonce="${newNonce()}"`),
  'keyid is missing': withParameters((usual) => usual.replace(/;keyid="[^"]*"/, '')),
  'a keyid that is no id': withParameters((_usual, signer) => defaultParameters({ ...signer, keyId: 'msk_1' })),
  'a keyid of nobody': withParameters((_usual, signer) => defaultParameters({ ...signer, keyId: 'msk_01k00000000000000000000000' })),
  'tag is missing': withParameters((usual) => usual.replace(/;tag="[^"]*"/, '')),
  'the tag of something else': withParameters((usual) => usual.replace('ngome-v1', 'ngome-v2')),
  'an end that we do not know': withParameters((usual, { createdS }) => `${usual};expires=${createdS + 60}`),
  'alg names another algorithm': withParameters((usual) => `${usual};alg="hmac-sha256"`),
  'alg names RSA with PKCS #1 v1.5': withParameters((usual) => `${usual};alg="rsa-v1_5-sha256"`),
  'alg is empty': withParameters((usual) => `${usual};alg=""`),
  'alg is a token': withParameters((usual) => `${usual};alg=ed25519`),
}

const digests: Readonly<Record<string, SignatureAttack>> = {
  'the digest of another body': withDigest((body) => digestOf(`${body} `)),
  'the digest by the other algorithm\'s name': withDigest((body) => digestOf(body, 'sha-512').replace('sha-512', 'sha-256')),
  'sha-256 right and sha-512 wrong': withDigest((body) => `${digestOf(body)}, ${digestOf('other', 'sha-512')}`),
  'a digest that proves nothing': withDigest(() => 'md5=:AAAAAAAAAAAAAAAAAAAAAA==:'),
  'a right digest beside one that is not known': withDigest((body) => `${digestOf(body)}, crc32c=:AAAAAA==:`),
  'a digest with a parameter': withDigest((body) => `${digestOf(body)};a`),
  'a digest that is no dictionary': withDigest(() => 'sha-256'),
  'a digest twice': withDigest((body) => `${digestOf('other')}, ${digestOf(body)}`),
  'no digest of a body': ({ request, signer }) => {
    const { 'content-digest': _digest, ...headers } = request.headers
    return signRaw({ ...request, headers }, signer)
  },
}

const sent: Readonly<Record<string, SignatureAttack>> = {
  'another body': afterwards(({ body }) => ({ body: body.replace('"', ' "') })),
  'another query': afterwards(({ target }) => ({ target: `${target}?a=1` })),
  'another idempotency key': headersAfterwards(() => ({ 'idempotency-key': 'another' })),
  'only the input': headersAfterwards(() => ({ signature: undefined })),
  'only the signature': headersAfterwards(() => ({ 'signature-input': undefined })),
  'only a digest': headersAfterwards(() => ({ 'signature-input': undefined, signature: undefined })),
  'another label': ({ request, signer }) => signRaw(request, { ...signer, label: 'sig1' }),
  'two labels': headersAfterwards(({ 'signature-input': input = '', signature = '' }) => ({
    'signature-input': `${input}, ${input.replace('ngome', 'other')}`, signature: `${signature}, ${signature.replace('ngome', 'other')}`,
  })),
  'one label twice': headersAfterwards(({ 'signature-input': input = '', signature = '' }) => ({
    'signature-input': `${input}, ${input}`, signature: `${signature}, ${signature}`,
  })),
  'labels that differ': headersAfterwards(({ signature = '' }) => ({ signature: signature.replace('ngome', 'other') })),
  'a signature of other bytes': headersAfterwards(({ signature = '' }) => ({ signature: signature.replace(/=:(.)/, (_, first) => `=:${first === 'A' ? 'B' : 'A'}`) })),
  'an empty signature': headersAfterwards(() => ({ signature: 'ngome=::' })),
  'a signature that is cut': headersAfterwards(({ signature = '' }) => ({ signature: signature.replace(/:(.{40}).*:/, ':$1:') })),
  'a signature with bytes behind it': headersAfterwards(({ signature = '' }) => ({ signature: `ngome=:${Buffer.concat([Buffer.from(signature.slice(7, -1), 'base64'), Buffer.of(0)]).toString('base64')}:` })),
  'base64 without its padding': headersAfterwards(({ signature = '' }) => ({ signature: withBits(signature) })),
  'text behind the signature': headersAfterwards(({ signature = '' }) => ({ signature: `${signature}x` })),
  'a parameter of the signature': headersAfterwards(({ signature = '' }) => ({ signature: `${signature};a` })),
  'a signature that is a text': headersAfterwards(() => ({ signature: 'ngome="AAAA"' })),
  'a spelling that is not canonical': headersAfterwards(({ 'signature-input': input = '' }) => ({ 'signature-input': input.replace('" "', '"  "') })),
  'an input that is no list': headersAfterwards(() => ({ 'signature-input': 'ngome=1' })),
  'an input that is noise': headersAfterwards(() => ({ 'signature-input': '((((' })),
}

/** The same bytes in another spelling: the bits that padding leaves over are set, or, where there is none, some is added. */
function withBits(signature: string): string {
  return signature.endsWith('=:') ? signature.replace(/=+:$/, ':') : signature.replace(/:$/, '=:')
}

/** What nobody may get through, whatever his key is; each by its name. */
export const signatureAttacks: Readonly<Record<string, SignatureAttack>> = { ...components, ...parameters, ...digests, ...sent }

/** What RSA alone allows, with a key that the gateway knows. */
export function rsaAttacks(key: KeyObject): Readonly<Record<string, SignatureAttack>> {
  const signedBy = (sign: SigningOptions['sign']): SignatureAttack => ({ request, signer }) => signRaw(request, { ...signer, sign })
  return {
    'a salt of 32 bytes': signedBy(signPss(key, 'sha512', 32)),
    'no salt': signedBy(signPss(key, 'sha512', 0)),
    'PSS with SHA-256': signedBy(signPss(key, 'sha256', 32)),
    'PKCS #1 v1.5': signedBy((base) => sign('sha512', base, key)),
    'alg names the other algorithm': withParameters((usual) => `${usual};alg="ed25519"`),
  }
}
