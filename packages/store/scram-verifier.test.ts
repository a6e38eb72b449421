import assert from 'node:assert/strict'
import { createHmac, pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import { Secret } from '@ngome/kernel'
import { scramVerifier } from './scram-verifier.ts'

test('PBKDF2-HMAC-SHA-256: the first vector of RFC 7914 §11', () => {
  assert.equal(pbkdf2Sync('passwd', 'salt', 1, 64, 'sha256').toString('hex'),
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783')
})

test('SCRAM-SHA-256: the exchange of RFC 7677 §3 comes out of our verifier', () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const text = scramVerifier(new Secret('pencil'), { bytes: () => salt })
  const match = /^SCRAM-SHA-256\$4096:([^$]+)\$([^:]+):(.+)$/.exec(text)
  assert.equal(match?.[1], salt.toString('base64'))
  const serverKey = Buffer.from(match?.[3] ?? '', 'base64')
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const message = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`
  assert.equal(createHmac('sha256', serverKey).update(message).digest('base64'), '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
})
