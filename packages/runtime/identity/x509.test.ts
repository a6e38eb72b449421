import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCertificateRequest } from './certificate-request.ts'
import { x509 } from './x509.ts'

type MetadataFunctions = {
  defineMetadata(key: string, value: unknown, target: object): void
  getOwnMetadata(key: string, target: object): unknown
  getMetadata(key: string, target: object): unknown
}

test('metadata is found on the object itself, and on its prototypes', () => {
  const metadata = Reflect as unknown as MetadataFunctions
  const parent = {}
  const child = Object.create(parent) as object
  metadata.defineMetadata('a', 1, parent)
  metadata.defineMetadata('b', undefined, parent)
  assert.equal(metadata.getOwnMetadata('a', parent), 1)
  assert.equal(metadata.getOwnMetadata('a', child), undefined)
  assert.equal(metadata.getMetadata('a', child), 1)
  metadata.defineMetadata('a', 2, child)
  assert.equal(metadata.getMetadata('a', child), 2)
  assert.equal(metadata.getMetadata('c', child), undefined)
})

test('a request proves possession of a new key on P-256 and names nothing but its role', async () => {
  const { csr, privateKey, publicKey } = await newCertificateRequest('gateway')
  const request = new x509.Pkcs10CertificateRequest(csr)
  assert.equal(await request.verify(), true)
  assert.equal(request.subject, 'CN=gateway')
  assert.deepEqual(request.extensions, [])
  assert.equal(publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  assert.equal(String(privateKey), '[secret]')
  assert.ok(!(await newCertificateRequest('gateway')).publicKey.equals(publicKey))
})
