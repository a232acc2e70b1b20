import PQueue from 'p-queue'

/**
 * Runs `work` for every item, `concurrency` at a time, and resolves when all have ended.
 * Every item is tried; the first failure, if any, is thrown at the end.
 * At most `2 * concurrency` items are taken from `items` ahead of their turn.
 */
export async function forEachBounded<T>(
  items: Iterable<T> | AsyncIterable<T>,
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = new PQueue({ concurrency })
  const failures: unknown[] = []
  for await (const item of items) {
    await queue.onSizeLessThan(concurrency)
    void queue.add(() => work(item)).catch((error: unknown) => failures.push(error))
  }
  await queue.onIdle()
  if (failures.length > 0) throw failures[0]
}
