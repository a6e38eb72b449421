/** The name that is the fewest edits away, where that is few enough to be a slip of the keyboard. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const editsMax = Math.max(2, Math.floor(name.length / 3))
  let best: { readonly name: string; readonly edits: number } | undefined
  for (const candidate of known) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (edits <= editsMax && (best === undefined || edits < best.edits)) best = { name: candidate, edits }
  }
  return best?.name
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
