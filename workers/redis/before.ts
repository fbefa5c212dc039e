/**
 * The result, if it comes before the deadline, as `performance.now()` has it: whoever has no more time does not wait for what others
 * may still want.
 * @throws {Error} when it is too late
 */
export async function before<Result>(deadline: number, result: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), Math.max(0, deadline - performance.now()))
  })
  try {
    return await Promise.race([result, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
