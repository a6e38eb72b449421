import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOf, IdempotencyError, NotFoundError } from './errors.ts'

const classOf = (code: string): unknown => errorOf(
  { type: 'about:blank', title: 'x', status: 404, code, request_id: 'req_x' }, { docsBase: 'https://api.example', retryAfterS: undefined },
).constructor

for (const code of ['__proto__/x', 'constructor/x', 'toString/x', 'hasOwnProperty', '/', '']) {
  test(`a code "${code}" is an error by its status`, () => assert.equal(classOf(code), NotFoundError))
}

test('a code of idempotency is one by its beginning', () => assert.equal(classOf('idempotency/in_flight'), IdempotencyError))
