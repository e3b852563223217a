/**
 * A wall clock that a test sets: a library loaded before libc's, which adds an offset from a file.
 *
 * Only CLOCK_REALTIME moves, as when an operator or NTP sets the clock; monotonic clocks go on. A
 * program of Go asks the kernel without libc, so etcd keeps the machine's clock: what it times, it
 * times by the monotonic one.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const SOURCE = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset_ms;

static int64_t offset(void) {
  if (offset_ms == NULL) {
    const char *path = getenv("CLOCK_SHIM_OFFSET");
    int fd = path == NULL ? -1 : open(path, O_RDONLY);
    if (fd < 0) return 0;
    void *at = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED) return 0;
    offset_ms = at;
  }
  return *offset_ms;
}

int clock_gettime(clockid_t id, struct timespec *out) {
  int failed = syscall(SYS_clock_gettime, id, out);
  if (failed != 0 || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)) return failed;
  int64_t ns = out->tv_sec * 1000000000LL + out->tv_nsec + offset() * 1000000LL;
  out->tv_sec = ns / 1000000000LL;
  out->tv_nsec = ns % 1000000000LL;
  return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}
`

export class ClockShim {
  readonly #folder: string
  readonly #library: string

  /** Compiles the library into the folder; throws without a compiler. */
  constructor(folder: string) {
    this.#folder = folder
    this.#library = join(folder, 'clock-shim.so')
    const words = ['-shared', '-fPIC', '-O1', '-x', 'c', '-', '-o', this.#library]
    const { status, stderr } = spawnSync('gcc', words, { input: SOURCE, encoding: 'utf8' })
    if (status !== 0) throw new Error(`the clock was not compiled: ${stderr}`)
  }

  /** The words before a command that give it the clock of this name. */
  prefix(name: string): readonly string[] {
    const path = this.#path(name)
    writeFileSync(path, Buffer.alloc(8))
    return ['env', `LD_PRELOAD=${this.#library}`, `CLOCK_SHIM_OFFSET=${path}`]
  }

  /** Sets that clock, by its distance from the machine's. */
  set(name: string, offsetMs: number): void {
    const octets = Buffer.alloc(8)
    octets.writeBigInt64LE(BigInt(Math.round(offsetMs)))
    const file = openSync(this.#path(name), 'r+')
    writeSync(file, octets)
    closeSync(file)
  }

  #path(name: string): string {
    return join(this.#folder, `clock-${name}`)
  }
}
