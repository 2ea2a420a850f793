// A pool for steps that take microseconds: workers spin between the many small dispatches of a
// token, and sleep on a futex once nothing has come for a while.
//
// Protocol. The caller writes the task, resets `next`, sets `running` to the number of workers and
// then advances `epoch`. Each worker sees the new epoch, claims ranges from `next` until none is
// left, and decrements `running`. The caller claims ranges too and then waits for `running` to be
// zero, so no worker can touch a task after spark_pool_run has returned. It sleeps if that takes long, as it
// does when another process has a worker's core: spinning would keep the worker from getting this one.
//
// Fewer threads than there are may be asked for between runs. An epoch's low bits say how many take
// part, so that a worker learns both in one load: one left out never looks at a task, and one taken in
// is always waited for. Those left out sleep until the number changes.
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spark_kernels.h"

enum {
  // About 50 microseconds of pauses before a worker sleeps: longer than the gaps inside a token,
  // shorter than a reader's pause between tokens.
  SPINS_BEFORE_SLEEP = 1500,
  // Some 200 microseconds: ranges are shorter, so that a worker which is not done by then has lost its core.
  SPINS_FOR_WORKERS = 4000,
  LINE = 64,
  // Of an epoch: its low bits hold the number of threads.
  ACTIVE_BITS = 12,
  ACTIVE_MASK = (1 << ACTIVE_BITS) - 1,
};

struct spark_pool {
  _Alignas(LINE) _Atomic uint32_t epoch;
  _Atomic uint32_t sleepers;
  _Alignas(LINE) _Atomic size_t next;
  _Alignas(LINE) _Atomic uint32_t running;
  // Whether the caller sleeps until `running` is zero.
  _Atomic uint32_t is_waiting;
  _Alignas(LINE) spark_task task;
  void *context;
  size_t items, grain;
  atomic_bool stopping;
  int32_t threads;
  // Threads that take part; also the futex of the workers that do not.
  _Atomic uint32_t active;
  // Workers that have taken their number.
  _Atomic uint32_t numbered;
  pthread_t workers[];
};

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void work(spark_pool *pool) {
  for (;;) {
    size_t begin = atomic_fetch_add_explicit(&pool->next, pool->grain, memory_order_relaxed);
    if (begin >= pool->items) return;
    size_t end = begin + pool->grain;
    pool->task(pool->context, begin, end < pool->items ? end : pool->items);
  }
}

static uint32_t wait_for_epoch_after(spark_pool *pool, uint32_t seen) {
  for (;;) {
    for (int i = 0; i < SPINS_BEFORE_SLEEP; i++) {
      uint32_t epoch = atomic_load_explicit(&pool->epoch, memory_order_acquire);
      if (epoch != seen) return epoch;
      pause_briefly();
    }
    atomic_fetch_add(&pool->sleepers, 1);
    // The kernel compares again under its lock, so a wake-up between the two cannot be missed.
    syscall(SYS_futex, &pool->epoch, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    atomic_fetch_sub(&pool->sleepers, 1);
  }
}

// Sleeps until another number of threads is asked for.
static void wait_while_active_is(spark_pool *pool, uint32_t active) {
  while (atomic_load(&pool->active) == active)
    syscall(SYS_futex, &pool->active, FUTEX_WAIT_PRIVATE, active, NULL, NULL, 0);
}

static void *worker_main(void *argument) {
  spark_pool *pool = argument;
  uint32_t number = atomic_fetch_add(&pool->numbered, 1) + 1;
  uint32_t epoch = 0;
  for (;;) {
    epoch = wait_for_epoch_after(pool, epoch);
    if (atomic_load_explicit(&pool->stopping, memory_order_relaxed)) return NULL;
    if (number >= (epoch & ACTIVE_MASK)) {
      wait_while_active_is(pool, epoch & ACTIVE_MASK);
      continue;
    }
    work(pool);
    // Either this sees that the caller waits, or the caller sees zero.
    if (atomic_fetch_sub(&pool->running, 1) == 1 && atomic_load(&pool->is_waiting))
      syscall(SYS_futex, &pool->running, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
}

static void wait_for_workers(spark_pool *pool) {
  for (int i = 0; i < SPINS_FOR_WORKERS; i++) {
    if (atomic_load_explicit(&pool->running, memory_order_acquire) == 0) return;
    pause_briefly();
  }
  atomic_store(&pool->is_waiting, 1);
  for (;;) {
    uint32_t running = atomic_load(&pool->running);
    if (running == 0) break;
    syscall(SYS_futex, &pool->running, FUTEX_WAIT_PRIVATE, running, NULL, NULL, 0);
  }
  atomic_store(&pool->is_waiting, 0);
}

static void advance(spark_pool *pool) {
  uint32_t count = (atomic_load_explicit(&pool->epoch, memory_order_relaxed) >> ACTIVE_BITS) + 1;
  uint32_t active = atomic_load_explicit(&pool->active, memory_order_relaxed);
  atomic_store(&pool->epoch, count << ACTIVE_BITS | active);
  if (atomic_load(&pool->sleepers) > 0)
    syscall(SYS_futex, &pool->epoch, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

spark_pool *spark_pool_create(int32_t threads) {
  if (threads < 1) threads = 1;
  if (threads > ACTIVE_MASK) threads = ACTIVE_MASK;
  size_t bytes = sizeof(spark_pool) + sizeof(pthread_t) * (size_t)(threads - 1);
  spark_pool *pool = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
  if (!pool) return NULL;
  atomic_init(&pool->epoch, 0);
  atomic_init(&pool->sleepers, 0);
  atomic_init(&pool->next, 0);
  atomic_init(&pool->running, 0);
  atomic_init(&pool->is_waiting, 0);
  atomic_init(&pool->stopping, false);
  atomic_init(&pool->active, (uint32_t)threads);
  atomic_init(&pool->numbered, 0);
  pool->threads = 1;
  for (int32_t i = 0; i < threads - 1; i++) {
    if (pthread_create(&pool->workers[i], NULL, worker_main, pool) != 0) {
      spark_pool_destroy(pool);
      return NULL;
    }
    pool->threads++;
  }
  return pool;
}

void spark_pool_destroy(spark_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stopping, true);
  advance(pool);
  atomic_store(&pool->active, 0);
  syscall(SYS_futex, &pool->active, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
  for (int32_t i = 0; i < pool->threads - 1; i++) pthread_join(pool->workers[i], NULL);
  free(pool);
}

int32_t spark_pool_threads(const spark_pool *pool) { return pool->threads; }

void spark_pool_use(spark_pool *pool, int32_t threads) {
  if (threads < 1) threads = 1;
  if (threads > pool->threads) threads = pool->threads;
  if (atomic_load_explicit(&pool->active, memory_order_relaxed) == (uint32_t)threads) return;
  atomic_store(&pool->active, (uint32_t)threads);
  syscall(SYS_futex, &pool->active, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void spark_pool_run(
  spark_pool *pool, spark_task task, void *context, size_t items, size_t grain
) {
  if (items == 0) return;
  if (grain < 1) grain = 1;
  uint32_t active = atomic_load_explicit(&pool->active, memory_order_relaxed);
  if (active == 1 || items <= grain) {
    task(context, 0, items);
    return;
  }
  pool->task = task;
  pool->context = context;
  pool->items = items;
  pool->grain = grain;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  atomic_store_explicit(&pool->running, active - 1, memory_order_relaxed);
  advance(pool);
  work(pool);
  wait_for_workers(pool);
}
