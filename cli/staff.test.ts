import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Platform } from '@ngome/testkit'
import { paymentEnd, takePayment } from './testing/take-payment.ts'
import { typeLine } from './testing/type-line.ts'

const phone = '+46733123499'
const reason = 'the payer disputes it: ticket 7'
let platform: Platform
let payment: string

before(async () => {
  platform = await Platform.start()
  const client = platform.client()
  payment = (await paymentEnd(client, (await takePayment(client)).id)).id
  client.close()
})
after(() => platform.remove())

const file = (name: string): string => join(platform.dataFolder, 'operator', name)

async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await typeLine(platform, ...args)
  assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

async function failed(code: number, message: RegExp, ...args: readonly string[]): Promise<void> {
  const run = await typeLine(platform, ...args)
  assert.equal(run.code, code, run.stdout + run.stderr)
  assert.match(run.stderr, message)
  assert.ok(!`${run.stdout}${run.stderr}`.includes(phone))
}

const parse = <T>(text: string): T => JSON.parse(text) as T
let amina: readonly string[]
let okello: readonly string[]

test('the first person is admitted at once, with a key that only he reads', async () => {
  const { staff } = parse<{ staff: string }>(await done('staff', 'enrol', 'Amina', '--key', file('amina.pem'), '--unencrypted', '--json'))
  assert.match(staff, /^stf_/)
  assert.equal(statSync(file('amina.pem')).mode & 0o777, 0o600)
  amina = ['--key', file('amina.pem'), '--staff', staff]
  await failed(2, /never overwritten/, 'staff', 'enrol', 'Amina', '--key', file('amina.pem'), '--unencrypted', '--request', file('r'), '--reason', reason)
})

test('a key without a passphrase has to be asked for, and a passphrase is typed at a terminal', async () => {
  await failed(2, /there is none/, 'staff', 'enrol', 'Zawadi', '--key', file('z.pem'), '--request', file('z.json'), '--reason', reason)
  assert.equal(existsSync(file('z.pem')), false)
})

test('the second needs the first\'s approval: shown before it is signed, and checked by the custodian', async () => {
  await failed(2, /others have to approve/, 'staff', 'enrol', 'Okello', '--key', file('okello.pem'), '--unencrypted')
  await done('staff', 'enrol', 'Okello', '--key', file('okello.pem'), '--unencrypted', '--request', file('okello.json'), '--reason', 'he is on call too')
  await failed(2, /nobody has signed/, 'staff', 'execute', file('okello.json'))
  const shown = await done('staff', 'approve', file('okello.json'))
  assert.match(shown, /operation: \/v1\/admit-staff[\s\S]*name: "Okello"[\s\S]*reason: he is on call too[\s\S]*nobody yet[\s\S]*nothing was signed/)
  assert.match(await done('staff', 'approve', file('okello.json'), '--sign', ...amina), /signed as stf_/)
  const { staff } = parse<{ staff: string }>(await done('staff', 'execute', file('okello.json'), '--json'))
  okello = ['--key', file('okello.pem'), '--staff', staff]
  await failed(1, /custodian/, 'staff', 'execute', file('okello.json'))
  assert.match(await done('staff', 'list', ...okello), /present {2}Amina {2}first\n.*present {2}Okello {2}by stf_/)
})

test('a payment is revealed to two people, for a reason, and everybody hears of it', async () => {
  await done('reveal', 'payment', payment, '--request', file('reveal.json'), '--reason', reason)
  await done('staff', 'approve', file('reveal.json'), '--sign', ...amina)
  await failed(1, /approval_missing|custodian|/, 'reveal', 'payment', payment, '--approval', file('reveal.json'), '--show')
  await done('staff', 'approve', file('reveal.json'), '--sign', ...okello)
  await failed(2, /no terminal shows this/, 'reveal', 'payment', payment, '--approval', file('reveal.json'))
  const shown = await done('reveal', 'payment', payment, '--approval', file('reveal.json'), '--show', ...amina)
  assert.ok(shown.includes(phone))
  await failed(1, /custodian/, 'reveal', 'payment', payment, '--approval', file('reveal.json'), '--show')
  const events = (await done('events', '--json')).trim().split('\n').map((line) => parse<{ type: string; severity: string; data: object }>(line))
  const told = events.filter(({ type }) => type === 'payment.revealed')
  assert.deepEqual(told.map(({ severity, data }) => [severity, data]), [['alarm', { payment, staff: [amina[3], okello[3]], reason }]])
  // What the custodian itself wrote down arrives as well: nobody who acts past the command line acts unheard.
  const heard = [/custodian\.staff_admitted.*Amina/, /custodian\.staff_admitted.*Okello/, /custodian\.call_approved.*\/v1\/reveal/,
    /alarm {4}custodian {3}custodian\.record_revealed.*caller=operator\//, /alarm {4}custodian {3}custodian\.refused.*approval_used/]
  for (let tries = 0; ; tries++) {
    const text = await done('events')
    if (heard.every((event) => event.test(text))) break
    assert.ok(tries < 10, text)
    await sleep(500)
  }
  const log = readFileSync(join(platform.dataFolder, 'launcher', 'logs', 'custodian.log'), 'utf8')
  assert.match(log, /"what":"revealed"/)
  assert.ok(!log.includes(phone))
})

test('who approved what is listed by one who may only read, and each signature is looked at again', async () => {
  const text = await done('staff', 'approvals', ...okello)
  assert.match(text, new RegExp(`/v1/admit-staff {2}name=Okello {2}by ${amina[3]} {2}he is on call too`))
  assert.match(text, new RegExp(`/v1/reveal {2}payment=${payment}.* by ${amina[3]}, ${okello[3]} {2}${reason}`))
  assert.doesNotMatch(text, /does NOT hold/)
})

test('certificates are listed with who holds them, and a person revokes one under his own name', async () => {
  type Certificate = { serial: string; role: string; staff: string | null; signer: string | null; revokedAt: string | null }
  const listed = parse<readonly Certificate[]>(await done('certificates', 'list', '--json', ...amina))
  const reading = listed.find(({ role, staff }) => role === 'auditor' && staff === okello[3]) ?? assert.fail('no auditor')
  assert.ok(listed.some(({ role, signer }) => role === 'gateway' && signer !== null))
  await failed(2, /hexadecimal/, 'certificates', 'revoke', 'x')
  await failed(2, /future/, 'certificates', 'revoke', reading.serial, '--since', '2999-01-01T00:00:00Z')
  await failed(1, /custodian/, 'certificates', 'revoke', 'abc')
  assert.match(await done('certificates', 'revoke', reading.serial, '--since', '2026-01-31T12:00:00Z', ...amina), /is revoked/)
  assert.match(await done('certificates', 'list', '--all'), new RegExp(`${reading.serial} .* revoked .* auditor ${okello[3]}`))
})

test('JSON shows the number only where it is asked to', async () => {
  for (const [extra, isShown] of [[[], false], [['--show'], true]] as const) {
    const path = file(`json-${isShown}.json`)
    await done('reveal', 'payment', payment, '--request', path, '--reason', reason)
    for (const person of [amina, okello]) await done('staff', 'approve', path, '--sign', ...person)
    const text = await done('reveal', 'payment', payment, '--approval', path, '--json', ...extra)
    assert.equal(text.includes(phone), isShown)
  }
})

test('root and merchant keys are replaced while payments go on, and what was sealed before still opens', async () => {
  const client = platform.client()
  const { rotation } = parse<{ rotation: string }>(await done('keys', 'rotate', 'root', '--json'))
  const taken = await Promise.all(Array.from({ length: 5 }, () => takePayment(client)))
  await untilRotated(rotation)
  await done('keys', 'rotate', 'merchant', platform.merchant)
  taken.push(await takePayment(client))
  for (const { id } of taken) assert.equal((await paymentEnd(client, id)).status, 'succeeded')
  client.close()
  const path = file('after-rotation.json')
  await done('reveal', 'payment', payment, '--request', path, '--reason', reason)
  for (const person of [amina, okello]) await done('staff', 'approve', path, '--sign', ...person)
  assert.ok((await done('reveal', 'payment', payment, '--approval', path, '--show')).includes(phone))
  const inventory = parse<{ bomFormat: string; components: readonly object[] }>(await done('keys', 'inventory', '--json'))
  assert.equal(inventory.bomFormat, 'CycloneDX')
  assert.ok(inventory.components.length > 10)
})

async function untilRotated(rotation: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 500) {
    const rows = parse<readonly { id: string; state: string }[]>(await done('keys', 'rotations', '--json'))
    if (rows.find(({ id }) => id === rotation)?.state === 'done') return
    await sleep(500)
  }
  assert.fail(`${rotation} has not ended: ${await done('keys', 'rotations')}`)
}

test('a merchant\'s keys are destroyed for two people after a wait, in which one calls it back', async () => {
  const { merchant } = platform
  const path = file('destroy.json')
  await failed(2, /freeze the merchant first/, 'keys', 'destroy', merchant, '--request', path, '--reason', reason)
  await done('merchants', 'freeze', merchant)
  await done('keys', 'destroy', merchant, '--request', path, '--reason', 'they have left us: contract 12')
  await failed(2, /nobody has signed/, 'keys', 'destroy', merchant, '--approval', path)
  await done('staff', 'approve', path, '--sign', ...amina)
  await failed(1, /custodian/, 'keys', 'destroy', merchant, '--approval', path)
  await done('staff', 'approve', path, '--sign', ...okello)
  const { destruction, dueAt } = parse<{ destruction: string; dueAt: string }>(await done('keys', 'destroy', merchant, '--approval', path, '--json'))
  assert.ok(Date.parse(dueAt) > Date.now() + 6 * 86_400_000)
  await failed(1, /no certificate/, 'keys', 'certificate', destruction)
  await done('keys', 'cancel', destruction)
  assert.match(await done('keys', 'certificate'), new RegExp(`${destruction} {2}cancelled`))
  await failed(1, /custodian/, 'keys', 'destroy', merchant, '--approval', path)
  await done('merchants', 'unfreeze', merchant)
})

test('a request that somebody changed, or that is none, is not shown as one', async () => {
  await done('staff', 'retire', okello[3] ?? '', '--request', file('retire.json'), '--reason', 'he leaves us today')
  const text = readFileSync(file('retire.json'), 'utf8')
  writeFileSync(file('changed.json'), text.replace('he leaves', 'he  leaves').replace('\\"reason\\":', '\\"reason\\": '))
  await failed(2, /is not a request/, 'staff', 'approve', file('changed.json'))
  await failed(2, /a command of its own/, 'staff', 'execute', file('reveal.json'))
  await failed(2, /10 to 500/, 'staff', 'retire', okello[3] ?? '', '--request', file('x.json'), '--reason', 'short')
  await failed(2, /go together/, 'staff', 'list', '--key', file('amina.pem'))
})

test('a retired person\'s key is nobody\'s', async () => {
  await done('staff', 'approve', file('retire.json'), '--sign', ...amina)
  await done('staff', 'execute', file('retire.json'), ...amina)
  await failed(1, /refused/i, 'staff', 'list', ...okello)
})
