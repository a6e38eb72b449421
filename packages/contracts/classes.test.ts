import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { dataClasses, ManualClock, newId, systemRandom, type DataClass } from '@ngome/kernel'
import { z } from 'zod'
import { classed, classKey, classOf } from './classed.ts'
import * as contracts from './mod.ts'

type Leaf = { readonly path: string; readonly dataClass: unknown }

/** Every field below a schema, down to the first class on its way; a leaf that met none has none. */
function leavesOf(schema: z.ZodType, path: string): Leaf[] {
  const dataClass = schema.meta()?.[classKey]
  if (dataClass !== undefined) return [{ path, dataClass }]
  const below = schema.def as unknown as {
    type: string; shape?: Record<string, z.ZodType>; element?: z.ZodType; innerType?: z.ZodType
    options?: readonly z.ZodType[]; items?: readonly z.ZodType[]; valueType?: z.ZodType; in?: z.ZodType; left?: z.ZodType; right?: z.ZodType
  }
  if (below.shape !== undefined) {
    return Object.entries(below.shape).flatMap(([name, field]) => leavesOf(field, `${path}.${name}`))
  }
  const inner = [
    below.element, below.innerType, ...(below.options ?? []), ...(below.items ?? []), below.valueType, below.in, below.left, below.right,
  ].filter((one) => one !== undefined)
  return inner.length > 0 ? inner.flatMap((one) => leavesOf(one, `${path}[${below.type}]`)) : [{ path, dataClass: undefined }]
}

function unclassed(leaves: readonly Leaf[]): string[] {
  return leaves.filter(({ dataClass }) => !dataClasses.includes(dataClass as DataClass)).map(({ path }) => path)
}

/** Schemas that describe one value, to build others with: the class depends on the field that they are used for. */
const buildingBlocks = new Set(['worldSchema'])

const exported = Object.entries(contracts).flatMap(([name, value]): [string, z.ZodType][] =>
  value instanceof z.ZodType && !buildingBlocks.has(name) ? [[name, value]] : [])
const events = Object.entries(contracts.eventTypes).map(([type, { data }]): [string, z.ZodType] => [`event ${type}`, data])
const jobs = Object.entries(contracts.jobSchemas).map(([queue, schema]): [string, z.ZodType] => [`job ${queue}`, schema])
const boundary: readonly (readonly [string, z.ZodType])[] = [
  ...exported, ...events, ...jobs,
  ...Object.entries(contracts.custodianOperations).flatMap(([path, { request, response }]): [string, z.ZodType][] =>
    [[`${path} request`, request], [`${path} response`, response]]),
]

suite('every field that crosses a boundary has a class', () => {
  for (const [name, schema] of boundary) {
    test(name, () => assert.deepEqual(unclassed(leavesOf(schema, name)), []))
  }

  test('and the walk sees them all', () => {
    assert.ok(exported.length >= 12 && events.length >= 15 && jobs.length >= 3)
    assert.ok(boundary.length >= 12 + 15 + 3 + 2 * 11)
    const leaves = boundary.flatMap(([name, schema]) => leavesOf(schema, name))
    assert.ok(leaves.length >= 120, String(leaves.length))
    for (const path of [
      'createPaymentSchema.payer.phone', 'paymentPageSchema.data[array].payer.phone', 'paymentSchema.failure[nullable].code',
      'createdWebhookEndpointSchema.secret', '/v1/open request.records[array].salt', 'problemSchema.errors[optional][array].pointer',
    ]) assert.ok(leaves.some((leaf) => leaf.path.startsWith(path)), path)
  })

  const violations: readonly (readonly [string, z.ZodType, string])[] = [
    ['a field', z.strictObject({ phone: z.string() }), '.phone'],
    ['a field of a nested object', z.strictObject({ payer: z.strictObject({ phone: z.string() }) }), '.payer.phone'],
    ['a field of an array’s objects', z.strictObject({ data: z.array(z.strictObject({ phone: z.string() })) }), '.data[array].phone'],
    ['an array’s elements', z.strictObject({ names: z.array(z.enum(['a'])) }), '.names[array]'],
    ['an optional field', z.strictObject({ note: z.string().optional() }), '.note[optional]'],
    ['a nullable object’s field', z.strictObject({ a: z.strictObject({ b: z.int() }).nullable() }), '.a[nullable].b'],
    ['a record’s values', z.strictObject({ map: z.record(z.string(), z.string()) }), '.map[record]'],
    ['one side of a union', z.strictObject({ either: z.union([classed('public', z.string()), z.int()]) }), '.either[union]'],
    ['a member of a tuple', z.strictObject({ pair: z.tuple([classed('public', z.string()), z.int()]) }), '.pair[tuple]'],
    ['a transformed field', z.strictObject({ at: z.string().transform(Number) }), '.at[pipe]'],
    ['a field of an unknown class', z.strictObject({ a: classed('secret' as DataClass, z.string()) }), '.a'],
  ]
  for (const [threat, schema, path] of violations) {
    test(`a violation would be seen in ${threat}`, () => {
      const sound = classed('internal', z.string())
      const seeded = z.strictObject({ sound, seeded: schema })
      assert.deepEqual(unclassed(leavesOf(seeded, 'x')), [`x.seeded${path}`])
    })
  }
})

suite('what is sensitive stays where it belongs', () => {
  const sensitive = (schemas: readonly (readonly [string, z.ZodType])[]): string[] =>
    schemas.flatMap(([name, schema]) => leavesOf(schema, name))
      .filter(({ dataClass }) => dataClass === 'confidential' || dataClass === 'restricted').map(({ path }) => path)

  test('no event and no job carries a confidential or restricted value', () => {
    assert.deepEqual(sensitive([...events, ...jobs, ['event', contracts.eventSchema]]), [])
  })

  test('a payment that is read back carries none either: the payer is masked', () => {
    assert.deepEqual(sensitive([['payment', contracts.paymentSchema], ['page', contracts.paymentPageSchema]]), [])
  })

  test('and the check sees what it looks for', () => {
    assert.deepEqual(sensitive([['payment', contracts.createPaymentSchema]]), [
      'payment.amount', 'payment.payer.phone[optional]', 'payment.payer.card_expiry[optional]', 'payment.return_url[optional]', 'payment.description[optional]',
    ])
  })

  test('all that is sealed of a payment is restricted', () => {
    const leaves = leavesOf(contracts.sealedPaymentSchema, 'sealed')
    assert.ok(leaves.length >= 7)
    assert.ok(leaves.every(({ dataClass }) => dataClass === 'restricted'))
  })
})

suite('a class', () => {
  test('is found through optional and nullable, and survives a description', () => {
    const schema = classed('restricted', z.string()).meta({ description: 'E.164' })
    for (const wrapped of [schema, schema.optional(), schema.nullable(), schema.nullable().optional()]) {
      assert.equal(classOf(wrapped), 'restricted')
    }
    assert.equal(schema.meta()?.description, 'E.164')
    assert.equal(classOf(z.string()), undefined)
    assert.equal(classOf(z.string().optional()), undefined)
  })
})

suite('every boundary object is strict', () => {
  test('so that an unknown key is an error, not noise', () => {
    const open = (schema: z.ZodType, path: string): string[] => {
      const def = schema.def as unknown as { shape?: Record<string, z.ZodType>; catchall?: z.ZodType; element?: z.ZodType; innerType?: z.ZodType }
      const here = def.shape !== undefined && def.catchall?.def.type !== 'never' ? [path] : []
      const inner = [...Object.entries(def.shape ?? {}), ['', def.element], ['', def.innerType]] as [string, z.ZodType | undefined][]
      return [...here, ...inner.flatMap(([name, one]) => (one === undefined ? [] : open(one, `${path}.${name}`)))]
    }
    assert.deepEqual(boundary.flatMap(([name, schema]) => open(schema, name)), [])
    assert.deepEqual(open(z.strictObject({ a: z.object({}) }), 'x'), ['x.a'])
  })
})

suite('an event', () => {
  const from = { clock: new ManualClock(1_800_000_000_000), random: systemRandom, process: 'gateway' } as const
  const tenant = { merchant: newId('merchant', from), world: 'test' } as const
  const payment = newId('payment', from)

  test('is made with its type’s severity, and is what the schema accepts', () => {
    const event = contracts.emit(from, 'payment.accepted', tenant, { payment, status: 'accepted' })
    assert.deepEqual(contracts.eventSchema.parse(event), event)
    assert.deepEqual([event.severity, event.at, event.merchant, event.world], ['info', '2027-01-15T08:00:00.000Z', tenant.merchant, 'test'])
  })

  test('of the platform itself has no merchant', () => {
    const event = contracts.emit(from, 'merchant.created', null, {})
    assert.deepEqual([event.merchant, event.world], [null, null])
  })

  test('takes no field that its type does not have', () => {
    const data = { payment, status: 'accepted', phone: '+256700000001' }
    assert.throws(() => contracts.emit(from, 'payment.accepted', tenant, data), z.ZodError)
  })

  test('has a leaf that does not depend on the order of its keys, and does on each value', () => {
    const event = contracts.emit(from, 'payment.accepted', tenant, { payment, status: 'accepted' })
    const reordered = Object.fromEntries(Object.entries(event).toReversed()) as contracts.Event
    const leaf = Buffer.from(contracts.auditLeaf(event)).toString('hex')
    assert.equal(Buffer.from(contracts.auditLeaf(reordered)).toString('hex'), leaf)
    assert.equal(leaf.length, 64)
    assert.notEqual(Buffer.from(contracts.auditLeaf({ ...event, severity: 'alarm' })).toString('hex'), leaf)
  })
})
