import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SelfTestResponse } from '@ngome/contracts'
import { ManualClock, systemRandom } from '@ngome/kernel'
import { rootKeyIsProtected } from './probes/root-key-is-protected.ts'
import { runProbes } from './run-probes.ts'

const store = 'custodian/custodian.sqlite'
const refused: SelfTestResponse = { outcome: 'refused', code: 'Luna K7, CKR_ATTRIBUTE_SENSITIVE' }

const shares: SelfTestResponse = { outcome: 'refused', code: 'software-shares' }

async function look(files: readonly string[], answer: SelfTestResponse): Promise<{ status: string; evidence: string }> {
  const [result] = await runProbes([rootKeyIsProtected], {
    machine: () => Promise.resolve({
      report: undefined, launcherPid: undefined, processes: [], secretFiles: files.map((path) => ({ path, mode: 0o100600, uid: 902 })),
    }),
    selfTest: (process, name) => {
      assert.deepEqual([process, name], ['custodian', 'root-key'])
      return Promise.resolve(answer)
    },
    random: systemRandom,
  }, new ManualClock(0))
  assert.ok(result)
  return result
}

const found: readonly (readonly [claim: string, status: string, files: readonly string[], answer: SelfTestResponse, evidence: RegExp])[] = [
  ['a token that refuses to give the key out holds', 'holds', [store], refused, /was refused \(Luna K7/],
  ['a token that is a program is partial', 'partial', [store], { outcome: 'refused', code: 'SoftHSM v2, CKR_ATTRIBUTE_SENSITIVE' }, /missing: hardware/],
  ['a root key of shares is partial', 'partial', [store, 'custodian/root-shares.json'], shares, /missing: hardware.*quorum/],
  ['shares beside a root key in a file fail', 'fails', [store, 'custodian/root-shares.json', 'custodian/root.key'], shares, /custodian\/root\.key/],
  ['shares of which there is no set fail', 'fails', [store], shares, /no set of shares/],
  ['a root key of shares that can be taken out fails', 'fails', [store, 'custodian/root-shares.json'], { ...shares, outcome: 'allowed' }, /can be taken out .*software-shares/],
  ['a root key in a file fails', 'fails', [store, 'custodian/root.key'], { outcome: 'allowed', code: 'software-unprotected' }, /unprotected: .*live API keys refuse/],
  ['a root key in a file fails, whatever the custodian says', 'fails', [store, 'custodian/root.key'], refused, /custodian\/root\.key/],
  ['a key that can be taken out fails, wherever it is', 'fails', [store], { outcome: 'allowed', code: 'software-unprotected' }, /can be taken out .*software-unprotected/],
  ['an attempt that was not made is unchecked', 'unchecked', [store], { outcome: 'not_attempted' }, /did not try/],
  ['a folder that cannot be seen is unchecked', 'unchecked', [], refused, /cannot be seen/],
]
for (const [claim, status, files, answer, evidence] of found) {
  test(claim, async () => {
    const result = await look(files, answer)
    assert.equal(result.status, status, result.evidence)
    assert.match(result.evidence, evidence)
  })
}
