/*
 * Makes system calls fail, stop half-way or kill the process, wherever they are made from: preloaded in front of the C
 * library, it reaches the worker threads of a process that nothing else in it knows of.
 *
 * What to do stands in a small file, named by FAULT_CONTROL, which the test writes and every process maps: so a fault
 * can be set while the process runs, and counts can be read after it was killed. See fault.ts, which knows the same
 * layout.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum call {
  WRITE = 1, FDATASYNC = 2, FSYNC = 4, RENAME = 8, UNLINK = 16, TRUNCATE = 32,
  CREATE = 64, MKDIR = 128, RMDIR = 256, LINK = 512, TIMES = 1024,
  OPEN = 2048, READ = 4096, STAT = 8192
};
enum action { FAIL = 1, KILL = 2, TEAR = 3, SHORTEN = 4, BREAK = 5, PAUSE = 6, PAUSE_TORN = 7 };

struct control {
  uint32_t armed;
  uint32_t calls;   /* which of them count */
  uint32_t first;   /* the first hit that is acted on, from 1 */
  uint32_t count;   /* how many hits are, from there on; 0: all */
  uint32_t action;
  uint32_t error;   /* errno of FAIL and BREAK */
  uint32_t hits;    /* calls that counted */
  uint32_t fired;   /* calls that were acted on */
  uint32_t seen[16]; /* hits of each kind */
  char path[480];   /* what the path has to contain */
};

static struct control *control;

/* Where a pause is told of, and where its end is: inherited pipes. */
static int told = -1, resumed = -1;

__attribute__((constructor)) static void attach(void) {
  const char *name = getenv("FAULT_CONTROL");
  if (name == NULL) return;
  int descriptor = open(name, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) abort();
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (mapped == MAP_FAILED) abort();
  close(descriptor);
  control = mapped;
  const char *pipes = getenv("FAULT_PIPES");
  if (pipes != NULL && sscanf(pipes, "%d,%d", &told, &resumed) != 2) abort();
}

/* Whether such calls count at all. */
static int counts(uint32_t call) {
  return control != NULL && __atomic_load_n(&control->armed, __ATOMIC_SEQ_CST) != 0 && (control->calls & call) != 0;
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static ssize_t really_write(int descriptor, const void *bytes, size_t length) {
  REAL(write);
  return real(descriptor, bytes, length);
}

static ssize_t really_read(int descriptor, void *bytes, size_t length) {
  REAL(read);
  return real(descriptor, bytes, length);
}

/*
 * Stands still until it is told to go on. What it has told before goes the same way, so that whoever reads of the pause has
 * read all of that.
 */
static void stand_still(uint32_t hit) {
  char word[32];
  int length = snprintf(word, sizeof word, "paused %u\n", hit);
  if (really_write(told, word, length) != length) abort();
  if (really_read(resumed, word, 1) != 1) kill(getpid(), SIGKILL);
}

/* What is to be done with this call, which may be of several kinds: 0, or an action. */
static uint32_t judge(uint32_t call, const char *path, const char *other) {
  if (!counts(call)) return 0;
  if (strstr(path, control->path) == NULL && (other == NULL || strstr(other, control->path) == NULL)) return 0;
  for (int kind = 0; kind < 16; kind++)
    if (control->calls & call & 1u << kind) __atomic_add_fetch(&control->seen[kind], 1, __ATOMIC_SEQ_CST);
  uint32_t hit = __atomic_add_fetch(&control->hits, 1, __ATOMIC_SEQ_CST);
  if (hit < control->first || (control->count != 0 && hit >= control->first + control->count)) return 0;
  uint32_t nth = __atomic_add_fetch(&control->fired, 1, __ATOMIC_SEQ_CST);
  if (control->action == KILL) for (;;) kill(getpid(), SIGKILL);
  if (control->action == PAUSE) stand_still(hit);
  uint32_t action = control->action;
  /* Half of the first one, and then an error: only so does a short write get through libuv, which goes on by itself. */
  if (action == BREAK) action = nth == 1 ? SHORTEN : FAIL;
  if (action == FAIL) errno = (int)control->error;
  return action;
}

static uint32_t judge_descriptor(uint32_t call, int descriptor) {
  if (!counts(call)) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return judge(call, path, NULL);
}

/* A write that stops half-way: told as it is, or never, for the process dies. */
#define HALF(length) ((length) > 1 ? (length) / 2 : (length))

ssize_t write(int descriptor, const void *bytes, size_t length) {
  REAL(write);
  uint32_t action = judge_descriptor(WRITE, descriptor);
  if (action == FAIL) return -1;
  if (action == 0 || action == PAUSE) return real(descriptor, bytes, length);
  ssize_t written = real(descriptor, bytes, HALF(length));
  if (action == TEAR) for (;;) kill(getpid(), SIGKILL);
  if (action != PAUSE_TORN || written < 0) return written;
  stand_still(control->hits);
  ssize_t rest = real(descriptor, (const char *)bytes + written, length - written);
  return rest < 0 ? written : written + rest;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset) {
  REAL(pwrite64);
  uint32_t action = judge_descriptor(WRITE, descriptor);
  if (action == FAIL) return -1;
  if (action == 0 || action == PAUSE) return real(descriptor, bytes, length, offset);
  ssize_t written = real(descriptor, bytes, HALF(length), offset);
  if (action == TEAR) for (;;) kill(getpid(), SIGKILL);
  if (action != PAUSE_TORN || written < 0) return written;
  stand_still(control->hits);
  ssize_t rest = real(descriptor, (const char *)bytes + written, length - written, offset + written);
  return rest < 0 ? written : written + rest;
}

int fdatasync(int descriptor) {
  REAL(fdatasync);
  return judge_descriptor(FDATASYNC, descriptor) == FAIL ? -1 : real(descriptor);
}

int fsync(int descriptor) {
  REAL(fsync);
  return judge_descriptor(FSYNC, descriptor) == FAIL ? -1 : real(descriptor);
}

int ftruncate64(int descriptor, off64_t length) {
  REAL(ftruncate64);
  return judge_descriptor(TRUNCATE, descriptor) == FAIL ? -1 : real(descriptor, length);
}

int rename(const char *from, const char *to) {
  REAL(rename);
  return judge(RENAME, from, to) == FAIL ? -1 : real(from, to);
}

int unlink(const char *path) {
  REAL(unlink);
  return judge(UNLINK, path, NULL) == FAIL ? -1 : real(path);
}

int link(const char *from, const char *to) {
  REAL(link);
  return judge(LINK, from, to) == FAIL ? -1 : real(from, to);
}

int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  return judge(MKDIR, path, NULL) == FAIL ? -1 : real(path, mode);
}

int rmdir(const char *path) {
  REAL(rmdir);
  return judge(RMDIR, path, NULL) == FAIL ? -1 : real(path);
}

int utimensat(int directory, const char *path, const struct timespec times[2], int flags) {
  REAL(utimensat);
  return judge(TIMES, path, NULL) == FAIL ? -1 : real(directory, path, times, flags);
}

int futimens(int descriptor, const struct timespec times[2]) {
  REAL(futimens);
  return judge_descriptor(TIMES, descriptor) == FAIL ? -1 : real(descriptor, times);
}

ssize_t read(int descriptor, void *bytes, size_t length) {
  REAL(read);
  return judge_descriptor(READ, descriptor) == FAIL ? -1 : real(descriptor, bytes, length);
}

ssize_t pread64(int descriptor, void *bytes, size_t length, off64_t offset) {
  REAL(pread64);
  return judge_descriptor(READ, descriptor) == FAIL ? -1 : real(descriptor, bytes, length, offset);
}

/* Node lists directories by these; what they open inside the C library does not come by. */
DIR *opendir(const char *path) {
  REAL(opendir);
  return judge(OPEN, path, NULL) == FAIL ? NULL : real(path);
}

int scandir64(const char *path, struct dirent64 ***names, int (*filter)(const struct dirent64 *),
              int (*compare)(const struct dirent64 **, const struct dirent64 **)) {
  REAL(scandir64);
  return judge(OPEN, path, NULL) == FAIL ? -1 : real(path, names, filter, compare);
}

/* How libuv asks for a file's status, by path or, with an empty one, by descriptor. */
long syscall(long number, ...) {
  REAL(syscall);
  va_list rest;
  va_start(rest, number);
  long values[6];
  for (int index = 0; index < 6; index++) values[index] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_statx) {
    const char *path = (const char *)values[1];
    uint32_t action = *path == 0 ? judge_descriptor(STAT, (int)values[0]) : judge(STAT, path, NULL);
    if (action == FAIL) return -1;
  }
  return real(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

int open64(const char *path, int flags, ...) {
  REAL(open64);
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  if (judge(flags & O_CREAT ? OPEN | CREATE : OPEN, path, NULL) == FAIL) return -1;
  return real(path, flags, mode);
}
