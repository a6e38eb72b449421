import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadCryptoki } from './load-cryptoki.ts'

const refused = (message: RegExp) => (error: unknown) => (
  error instanceof Error && 'code' in error && error.code === 'custodian/start_refused' && message.test(error.message)
)
const addon = (load: (path: string) => void) => async () => ({ PKCS11: class { load = load } as never })

test('a package that was not built says how to build it', async () => {
  await assert.rejects(loadCryptoki('/m.so', () => Promise.reject(new Error('no addon'))), refused(/npm run setup:system/))
})

test('a module that cannot be loaded is named', async () => {
  await assert.rejects(loadCryptoki('/m.so', addon(() => { throw new Error('dlopen') })), refused(/\/m\.so cannot be loaded/))
})

test('loads the module that it was told to, and no other', async () => {
  const paths: string[] = []
  await loadCryptoki('/m.so', async () => ({ PKCS11: class { load = (path: string): void => void paths.push(path) } as never }))
  assert.deepEqual(paths, ['/m.so'])
})
