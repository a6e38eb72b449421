/** What every list answers. */
type Page<T> = { readonly data: readonly T[]; readonly next_cursor: string | null }

/** A list of any length: iterated it is everything, page by page as it is needed. Nothing is sent before. */
export type Pages<T, P extends Page<T>> = AsyncIterable<T> & {
  /** The first page alone. */
  first(): Promise<P>
  /** Page by page, each with the cursor to continue from later. */
  pages(): AsyncIterable<P>
}

/** @param read reads the page behind a cursor, the first where there is none */
export function pagesOf<T, P extends Page<T>>(read: (cursor: string | undefined) => Promise<P>): Pages<T, P> {
  async function* pages(): AsyncGenerator<P> {
    for (let cursor: string | undefined; ;) {
      const page: P = await read(cursor)
      yield page
      const next: string | null = page.next_cursor
      // A cursor that leads to itself would go round for ever.
      if (next === null || next === cursor) return
      cursor = next
    }
  }
  async function* all(): AsyncGenerator<T> {
    for await (const page of pages()) yield* page.data
  }
  return {
    first: () => read(undefined),
    [Symbol.asyncIterator]: all,
    pages,
  }
}
