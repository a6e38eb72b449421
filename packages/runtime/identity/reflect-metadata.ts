/**
 * The three functions of the Reflect Metadata proposal that the container inside `@peculiar/x509` looks for when it is
 * loaded. They are here so that no polyfill package, which would patch far more of `Reflect`, comes with it. This file
 * is imported before `@peculiar/x509`, everywhere, by importing `x509.ts`.
 */
type MetadataKey = string | symbol

const tables = new WeakMap<object, Map<MetadataKey, unknown>>()

function defineMetadata(key: MetadataKey, value: unknown, target: object): void {
  const table = tables.get(target) ?? new Map<MetadataKey, unknown>()
  table.set(key, value)
  tables.set(target, table)
}

function getOwnMetadata(key: MetadataKey, target: object): unknown {
  return tables.get(target)?.get(key)
}

function getMetadata(key: MetadataKey, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Reflect.getPrototypeOf(at)) {
    if (tables.get(at)?.has(key) === true) return getOwnMetadata(key, at)
  }
  return undefined
}

if (!('getMetadata' in Reflect)) Object.assign(Reflect, { defineMetadata, getOwnMetadata, getMetadata })
