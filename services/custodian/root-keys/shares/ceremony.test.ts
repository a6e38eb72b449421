import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { Secret, systemRandom } from '@ngome/kernel'
import { ceremonyIn, makeSet, ownFolder, type Watched } from '../../testing/shares.ts'
import { softwareRootId } from '../software-root-key.ts'
import { shareLifeMs } from './ceremony.ts'
import { isRootOf, readShareSet } from './share-set.ts'
import { formatShare, parseShare, type Share } from './share-text.ts'
import { combineRoot, splitNewRoot } from './split-root.ts'

function shareOf(text: string): Share {
  const parsed = parseShare(Buffer.from(text))
  assert.ok(parsed.ok)
  return parsed.share
}

function enter({ ceremony }: Watched, text: string): ReturnType<Watched['ceremony']['enter']> {
  return ceremony.enter(Buffer.from(text))
}

async function begun(t: TestContext, shares = 3, threshold = 2, lifeMs = shareLifeMs): Promise<{ folder: string; texts: readonly string[]; watched: Watched }> {
  const folder = ownFolder(t)
  const texts = await makeSet(folder, shares, threshold)
  const watched = ceremonyIn(folder, lifeMs)
  t.after(() => watched.ceremony.end())
  return { folder, texts, watched }
}

test('each quorum of a set brings the same root key, in any order', async (t) => {
  const { folder, texts } = await begun(t, 4, 3)
  assert.equal(new Set(texts).size, 4)
  const ids = new Set<string>()
  for (const quorum of [[0, 1, 2], [2, 1, 0], [0, 1, 3], [3, 2, 0], [1, 2, 3]]) {
    const watched = ceremonyIn(folder)
    const answers = []
    for (const at of quorum) answers.push((await enter(watched, texts[at] ?? '')).type)
    assert.deepEqual(answers, ['accepted', 'accepted', 'unsealed'])
    assert.deepEqual(watched.states.map(({ have, need }) => [have, need]), [[1, 3], [2, 3], [3, 3]])
    ids.add(softwareRootId(await watched.ceremony.unsealed))
  }
  assert.equal(ids.size, 1)
})

test('what stays in the folder is one private file: the set, its numbers, and a check value; no share, no root key', async (t) => {
  const { folder, texts, watched } = await begun(t)
  for (const text of texts.slice(0, 2)) await enter(watched, text)
  const root = await watched.ceremony.unsealed
  assert.deepEqual(readdirSync(folder), ['root-shares.json'])
  const path = join(folder, 'root-shares.json')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const kept = readFileSync(path)
  assert.deepEqual(Object.keys(JSON.parse(kept.toString()) as object), ['version', 'set', 'shares', 'threshold', 'check'])
  const secrets = [...texts.map((text) => Buffer.from(shareOf(text).value)), root.expose((bytes) => Buffer.from(bytes))]
  for (const secret of secrets) {
    for (const form of [secret, Buffer.from(secret.toString('hex')), Buffer.from(secret.toString('base64url'))]) assert.ok(!kept.includes(form))
  }
})

test('fewer shares than the threshold fit every root: for any root there is a last share that makes it', async (t) => {
  const { texts } = await begun(t, 3, 3)
  const [first, second] = texts.map(shareOf)
  assert.ok(first && second)
  const partOf = ({ value, index }: Share): Uint8Array => Uint8Array.from([...value, index])
  // At one byte, all 256 values of the third share give all 256 values of the root: what two holders have tells nothing.
  const roots = new Set<number>()
  const third = [1, 2, 3].find((index) => index !== first.index && index !== second.index) ?? 0
  for (let byte = 0; byte < 256; byte++) {
    const forged = { ...first, index: third, value: new Uint8Array(32).fill(byte) }
    roots.add((await combineRoot([partOf(first), partOf(second), partOf(forged)]))[0] ?? -1)
  }
  assert.equal(roots.size, 256)
})

test('the shares of a holder over many sets look random: each bit is set about half of the time', async () => {
  const sets = 400
  const ones = Array.from({ length: 256 }, () => 0)
  const root = new Uint8Array(32).fill(0xa5)
  const random = { bytes: (length: number) => (length === 32 ? Uint8Array.from(root) : systemRandom.bytes(length)) }
  for (let at = 0; at < sets; at++) {
    const { texts } = await splitNewRoot(random, { shares: 2, threshold: 2 })
    const { value } = shareOf(Buffer.from(texts[0] ?? []).toString())
    for (let bit = 0; bit < 256; bit++) ones[bit] = (ones[bit] ?? 0) + (((value[bit >> 3] ?? 0) >> (bit & 7)) & 1)
  }
  // Six standard deviations: a fair bit is out of this once in a billion.
  for (const count of ones) assert.ok(Math.abs(count - sets / 2) < 6 * Math.sqrt(sets / 4), String(count))
})

test('attacks: what is entered and is no share of this set is refused, and changes nothing', async (t) => {
  const { texts, watched } = await begun(t)
  const other = await begun(t)
  const [mine = '', yours = ''] = texts
  const { set, value } = shareOf(mine)
  const table: readonly (readonly [claim: string, text: string, reason: string])[] = [
    ['nothing', '', 'malformed'],
    ['a share with one character changed', `${mine.slice(0, -1)}${mine.endsWith('0') ? '1' : '0'}`, 'malformed'],
    ['half a share', mine.slice(0, 40), 'malformed'],
    ['a very long line', mine.repeat(3), 'malformed'],
    ['a share of another set', other.texts[0] ?? '', 'other_set'],
    ['this set with another threshold', Buffer.from(formatShare({ set, threshold: 3, index: 9, value })).toString(), 'other_set'],
  ]
  for (const [claim, text, reason] of table) assert.deepEqual(await enter(watched, text), { type: 'refused', reason }, claim)
  assert.deepEqual(watched.refusals, table.map(([, , reason]) => reason))
  assert.deepEqual(watched.states, [])
  assert.equal((await enter(watched, mine)).type, 'accepted')
  assert.deepEqual(await enter(watched, mine), { type: 'refused', reason: 'repeated' })
  assert.deepEqual(await enter(watched, Buffer.from(formatShare({ ...shareOf(mine), value: new Uint8Array(32) })).toString()), { type: 'refused', reason: 'repeated' })
  assert.equal(watched.ceremony.state.have, 1)
  assert.equal((await enter(watched, yours)).type, 'unsealed')
  assert.deepEqual(await enter(watched, yours), { type: 'refused', reason: 'busy' })
})

test('a forged share with a right checksum is found out by the check value: all are dropped, nobody learns which it was', async (t) => {
  const { texts, watched } = await begun(t)
  const [first = '', second = ''] = texts
  const forged = Buffer.from(formatShare({ ...shareOf(second), value: systemRandom.bytes(32) })).toString()
  for (const wrong of [[forged, first], [first, forged]]) {
    assert.equal((await enter(watched, wrong[0] ?? '')).type, 'accepted')
    assert.deepEqual(await enter(watched, wrong[1] ?? ''), { type: 'refused', reason: 'wrong_root' })
    assert.equal(watched.ceremony.state.have, 0)
  }
  await enter(watched, first)
  assert.equal((await enter(watched, second)).type, 'unsealed')
})

test('what was typed is wiped, taken or refused', async (t) => {
  const { texts, watched } = await begun(t)
  for (const typed of [...texts.slice(0, 2).map((text) => Buffer.from(text)), Buffer.from('not a share'), Buffer.from(texts[0] ?? '')]) {
    await watched.ceremony.enter(typed)
    assert.ok(typed.every((byte) => byte === 0))
  }
})

test('shares that wait too long for the others are dropped', { timeout: 30_000 }, async (t) => {
  const { texts, watched } = await begun(t, 3, 2, 30)
  await enter(watched, texts[0] ?? '')
  while (watched.states.length < 2) await sleep(10)
  assert.deepEqual(watched.states.map(({ have }) => have), [1, 0])
  assert.equal((await enter(watched, texts[0] ?? '')).type, 'accepted')
})

test('an ended ceremony takes nothing, makes nothing, and holds nothing', async (t) => {
  const { texts, watched } = await begun(t)
  await enter(watched, texts[0] ?? '')
  watched.ceremony.end()
  assert.equal(watched.ceremony.state.have, 0)
  assert.deepEqual(await enter(watched, texts[1] ?? ''), { type: 'refused', reason: 'busy' })
  const fresh = ceremonyIn(ownFolder(t))
  fresh.ceremony.end()
  assert.deepEqual(await fresh.ceremony.make({}, { shares: 2, threshold: 2 }), { type: 'refused', reason: 'busy' })
})

test('a ceremony that ends while the shares are put together gives no root key', async (t) => {
  const { texts, watched } = await begun(t)
  await enter(watched, texts[0] ?? '')
  const last = enter(watched, texts[1] ?? '')
  watched.ceremony.end()
  assert.deepEqual(await last, { type: 'refused', reason: 'busy' })
})

test('a set is made by one at a time, handed out to him alone, and kept when all of it was taken down', async (t) => {
  const folder = ownFolder(t)
  const watched = ceremonyIn(folder)
  const { ceremony } = watched
  const [maker, other] = [{}, {}]
  assert.deepEqual(await enter(watched, Buffer.from(formatShare({ set: '0123456789ab', threshold: 2, index: 1, value: new Uint8Array(32) })).toString()), { type: 'refused', reason: 'not_made' })
  const made = ceremony.make(maker, { shares: 2, threshold: 2 })
  assert.equal(ceremony.next(maker), undefined, 'it is still being made')
  assert.deepEqual(await ceremony.make(other, { shares: 2, threshold: 2 }), { type: 'refused', reason: 'busy' })
  await made
  assert.equal(ceremony.next(other), undefined)
  const first = ceremony.next(maker)
  assert.ok(first !== undefined && 'text' in first)
  assert.deepEqual([first.number, first.of], [1, 2])
  const second = ceremony.next(maker)
  assert.ok(first.text.every((byte) => byte === 0), 'the first is wiped when the second is asked for')
  assert.deepEqual(readdirSync(folder), [])
  const kept = ceremony.next(maker)
  assert.ok(kept !== undefined && 'kept' in kept && second !== undefined && 'text' in second)
  assert.ok(second.text.every((byte) => byte === 0))
  assert.equal(readShareSet(folder)?.set, kept.kept)
  assert.deepEqual(ceremony.state, { phase: 'collecting', have: 0, need: 2 })
  assert.deepEqual(await ceremony.make(other, { shares: 2, threshold: 2 }), { type: 'refused', reason: 'already_made' })
})

test('who leaves in the middle has made nothing: his shares are wiped, and another may begin', async (t) => {
  const folder = ownFolder(t)
  const { ceremony } = ceremonyIn(folder)
  const [early, late] = [{}, {}]
  const making = ceremony.make(early, { shares: 3, threshold: 2 })
  ceremony.leave(early)
  await making
  assert.equal(ceremony.next(early), undefined)
  await ceremony.make(early, { shares: 3, threshold: 2 })
  const first = ceremony.next(early)
  ceremony.leave(late)
  assert.equal(ceremony.state.phase, 'making')
  ceremony.leave(early)
  assert.ok(first !== undefined && 'text' in first && first.text.every((byte) => byte === 0))
  assert.deepEqual([ceremony.state.phase, readdirSync(folder)], ['unmade', []])
  assert.equal(await ceremony.make(late, { shares: 2, threshold: 2 }), undefined)
  ceremony.end()
  assert.equal(ceremony.next(late), undefined)
})

test('a set file that was changed refuses the start, or finds the root key wrong', async (t) => {
  const { folder, texts } = await begun(t)
  const path = join(folder, 'root-shares.json')
  const kept = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  for (const damaged of ['', '{', '[]', { ...kept, version: 2 }, { ...kept, threshold: 4 }, { ...kept, threshold: 1 }, { ...kept, more: 1 }, { ...kept, set: '..' }]) {
    writeFileSync(path, typeof damaged === 'string' ? damaged : JSON.stringify(damaged))
    assert.throws(() => readShareSet(folder), { code: 'custodian/start_refused' })
  }
  const foreign = await begun(t)
  const { check } = readShareSet(foreign.folder) ?? {}
  for (const wrong of [check, 'AAAA']) {
    writeFileSync(path, JSON.stringify({ ...kept, check: wrong }))
    const watched = ceremonyIn(folder)
    await enter(watched, texts[0] ?? '')
    assert.deepEqual(await enter(watched, texts[1] ?? ''), { type: 'refused', reason: 'wrong_root' })
  }
})

test('a root key that cannot be tried is a failure of ours, and is wiped with its shares', async (t) => {
  const { folder, texts } = await begun(t)
  const set = readShareSet(folder)
  assert.ok(set)
  await assert.rejects(isRootOf(new Secret(new Uint8Array(31)), set, systemRandom), TypeError)
  assert.equal(texts.length, 3)
})
