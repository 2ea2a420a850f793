#include "allocation_counter.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

// A sanitizer brings stand-ins of its own, which these would displace: under one nothing is counted.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define LEAVES_MALLOC_ALONE 1
#endif
#endif

// The C library's own entry points, under the names that glibc keeps for such stand-ins.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

// Initial-exec, because a general thread-local would allocate when it is first touched.
static __thread int64_t calls __attribute__((tls_model("initial-exec")));
static __thread bool counting __attribute__((tls_model("initial-exec")));

static inline void count(void) {
  if (counting) calls++;
}

void allocation_counter_start(void) {
  calls = 0;
  counting = true;
}

int64_t allocation_counter_stop(void) {
  counting = false;
  return calls;
}

#ifndef LEAVES_MALLOC_ALONE

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size) {
  count();
  return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
  count();
  *out = __libc_memalign(alignment, size);
  return *out ? 0 : ENOMEM;
}

#endif
