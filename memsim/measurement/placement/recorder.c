/* Records what a process asks of malloc and what it gets.

   Loaded before the C library (LD_PRELOAD), with MEMSIM_MALLOC_RECORD naming a file that does not
   exist yet: the first process that creates it records, its children do not. Each call becomes one
   record, in the order in which they happen, from the first call of the process on. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind { MALLOC = 1, FREE, CALLOC, REALLOC, MEMALIGN, MALLOPT, TRIM, MARK };

struct record {
  uint32_t kind, thread;
  uint64_t result;   /* the address that came back */
  uint64_t size;     /* bytes asked for; the value of a mallopt; the pad of a malloc_trim */
  uint64_t argument; /* the old address, the alignment, the parameter, or the number of a mark */
};

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

#define RECORDS (1 << 15)

static struct record buffer[RECORDS];
static size_t filled;
static int file = -1, decided, dropped;
static pid_t owner;
static atomic_flag busy = ATOMIC_FLAG_INIT;
static __thread uint32_t thread __attribute__((tls_model("initial-exec")));
static atomic_uint threads;

static void lock(void) { while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)); }
static void unlock(void) { atomic_flag_clear_explicit(&busy, memory_order_release); }

static void flush(void) {
  if (!decided) { /* before the file is open: more than the buffer holds cannot be kept */
    if (filled == RECORDS) { dropped = 1; filled = 0; }
    return;
  }
  if (file >= 0 && owner == getpid()) {
    const char *at = (const char *)buffer;
    size_t left = filled * sizeof *buffer;
    while (left) {
      ssize_t written = write(file, at, left);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) { file = -1; break; }
      at += written;
      left -= (size_t)written;
    }
  }
  filled = 0;
}

static void add(enum kind kind, uint64_t result, uint64_t size, uint64_t argument) {
  if (decided && file < 0) return;
  if (!thread) thread = atomic_fetch_add(&threads, 1) + 1;
  buffer[filled++] = (struct record){kind, thread, result, size, argument};
  if (filled == RECORDS) flush();
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("MEMSIM_MALLOC_RECORD");
  lock();
  owner = getpid();
  if (path && *path && !dropped) file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  decided = 1;
  unlock();
}

/* What has been recorded so far is in the file once this returns. */
void memsim_record_flush(void) {
  lock();
  flush();
  unlock();
}

__attribute__((destructor)) static void end(void) { memsim_record_flush(); }

/* Put a mark of one's own between the calls. */
void memsim_record_mark(uint64_t number) {
  lock();
  add(MARK, 0, 0, number);
  unlock();
}

void *malloc(size_t size) {
  lock();
  void *result = __libc_malloc(size);
  add(MALLOC, (uint64_t)result, size, 0);
  unlock();
  return result;
}

void free(void *old) {
  if (!old) return;
  int error = errno;
  lock();
  add(FREE, 0, 0, (uint64_t)old);
  __libc_free(old);
  unlock();
  errno = error;
}

void *calloc(size_t count, size_t size) {
  lock();
  void *result = __libc_calloc(count, size);
  add(CALLOC, (uint64_t)result, count * size, 0);
  unlock();
  return result;
}

void *realloc(void *old, size_t size) {
  lock();
  void *result = __libc_realloc(old, size);
  add(REALLOC, (uint64_t)result, size, (uint64_t)old);
  unlock();
  return result;
}

static void *aligned(size_t alignment, size_t size) {
  lock();
  void *result = __libc_memalign(alignment, size);
  add(MEMALIGN, (uint64_t)result, size, alignment);
  unlock();
  return result;
}

void *memalign(size_t alignment, size_t size) { return aligned(alignment, size); }

void *aligned_alloc(size_t alignment, size_t size) { return aligned(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) || !alignment || alignment & (alignment - 1)) return EINVAL;
  int error = errno;
  void *address = aligned(alignment, size);
  errno = error;
  if (!address) return ENOMEM;
  *result = address;
  return 0;
}

int mallopt(int parameter, int value) {
  static int (*real)(int, int);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "mallopt");
  lock();
  int result = real(parameter, value);
  add(MALLOPT, (uint64_t)result, (uint64_t)(int64_t)value, (uint64_t)(int64_t)parameter);
  unlock();
  return result;
}

int malloc_trim(size_t pad) {
  static int (*real)(size_t);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "malloc_trim");
  lock();
  int result = real(pad);
  add(TRIM, (uint64_t)result, pad, 0);
  unlock();
  return result;
}
