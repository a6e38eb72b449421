/** What a record itself holds under a name: names come from outside, and every object answers to `valueOf`. */
export function own<V>(record: Readonly<Record<string, V>>, name: string): V | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
