const cell = new Int32Array(new SharedArrayBuffer(4))

/** Blocks this worker's thread for so many milliseconds. */
export function pause(milliseconds: number): void {
  Atomics.wait(cell, 0, 0, milliseconds)
}
