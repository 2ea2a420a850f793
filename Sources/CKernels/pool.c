// A pool for steps that take microseconds: workers spin between the many small dispatches of a
// token, and sleep on a futex once nothing has come for a while.
//
// Protocol. The caller writes the task, sets `unfinished` and then `left` to its number of ranges, and
// advances `epoch`. Whoever takes one off `left` while that is above zero owns a range; `left` is
// written last and read first, so that a range brings its task with it. The caller takes ranges too,
// and then waits for `unfinished` to be zero: for ranges, not for workers. A worker that has not come
// by then, since another process has its core, is not waited for; when it comes it finds nothing
// left, or a range of a later task.
//
// Giving way. A worker that loses its core in the middle of a range does hold everyone up, for
// milliseconds, and a token has a hundred dispatches at which that may happen. So when the caller has
// waited longer than it had worked, a thread less takes part for eight times as long as the wait, and
// for twice as long again each time that it happens at once when the thread is back. Where it never
// happens nothing is lost. Beside a busy loop on one of two cores two threads so decode about as fast as
// one does there, three times as fast as when every wait was waited out (docs/bench.md).
//
// How many take part is in an epoch's low bits, so that a worker learns both in one load. Those left
// out sleep until the number changes. What an item computes does not depend on who computes it.
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "spark_kernels.h"

enum {
  LINE = 64,
  // A pause takes 10 to 50 nanoseconds: so many between two looks at the clock.
  PAUSES = 32,
  // Of an epoch: its low bits hold the number of threads.
  TAKING_BITS = 12,
  TAKING_MASK = (1 << TAKING_BITS) - 1,
  // How long a thread is left out, in times of the wait that it caused.
  LEAST_FACTOR = 8,
  MOST_FACTOR = 64,
};

// Nanoseconds.
typedef uint64_t instant;
// Before a worker sleeps: longer than the gaps inside a token, shorter than a reader's pause between tokens.
static const instant SPIN_FOR_EPOCH = 50000;
// Before the caller sleeps. Ranges are shorter, or as long as all that the caller did.
static const instant SPIN_FOR_RANGES = 100000;
// The longest time that a thread is left out.
static const instant LONGEST_REST = 250000000;

struct spark_pool {
  _Alignas(LINE) _Atomic uint32_t epoch;
  _Atomic uint32_t sleepers;
  // Ranges that nobody has taken; below zero where workers found none.
  _Alignas(LINE) _Atomic int64_t left;
  // Ranges that are not done.
  _Alignas(LINE) _Atomic uint32_t unfinished;
  // Whether the caller sleeps until `unfinished` is zero.
  _Atomic uint32_t is_waiting;
  _Alignas(LINE) spark_task task;
  void *context;
  size_t items, grain, ranges;
  atomic_bool stopping;
  // Threads there are, and those that may take part.
  int32_t threads, active;
  // Threads that take part; also the futex of the workers that do not.
  _Atomic uint32_t taking;
  // Workers that have taken their number.
  _Atomic uint32_t numbered;
  // The caller's notes. When it last began or ended a wait.
  instant last_wait;
  // When a thread more takes part again, and when one last did.
  instant retry, returned;
  // How long one is left out, and how many times the wait that is.
  instant rest;
  uint32_t factor;
  pthread_t workers[];
};

static instant now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (instant)time.tv_sec * 1000000000 + (instant)time.tv_nsec;
}

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Works on ranges until none is left.
static void work(spark_pool *pool) {
  uint32_t done = 0;
  for (;; done++) {
    int64_t left = atomic_fetch_sub_explicit(&pool->left, 1, memory_order_acq_rel);
    if (left <= 0) break;
    size_t begin = (pool->ranges - (size_t)left) * pool->grain;
    size_t end = begin + pool->grain;
    pool->task(pool->context, begin, end < pool->items ? end : pool->items);
  }
  // Either this sees that the caller waits, or the caller sees zero.
  if (done && atomic_fetch_sub(&pool->unfinished, done) == done && atomic_load(&pool->is_waiting))
    syscall(SYS_futex, &pool->unfinished, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static uint32_t wait_for_epoch_after(spark_pool *pool, uint32_t seen) {
  for (;;) {
    instant begun = now();
    do {
      for (int i = 0; i < PAUSES; i++) {
        uint32_t epoch = atomic_load_explicit(&pool->epoch, memory_order_acquire);
        if (epoch != seen) return epoch;
        pause_briefly();
      }
    } while (now() - begun < SPIN_FOR_EPOCH);
    atomic_fetch_add(&pool->sleepers, 1);
    // The kernel compares again under its lock, so a wake-up between the two cannot be missed.
    syscall(SYS_futex, &pool->epoch, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    atomic_fetch_sub(&pool->sleepers, 1);
  }
}

// Sleeps until another number of threads takes part.
static void wait_while_taking_is(spark_pool *pool, uint32_t taking) {
  while (atomic_load(&pool->taking) == taking)
    syscall(SYS_futex, &pool->taking, FUTEX_WAIT_PRIVATE, taking, NULL, NULL, 0);
}

static void *worker_main(void *argument) {
  spark_pool *pool = argument;
  uint32_t number = atomic_fetch_add(&pool->numbered, 1) + 1;
  uint32_t epoch = 0;
  for (;;) {
    epoch = wait_for_epoch_after(pool, epoch);
    if (atomic_load_explicit(&pool->stopping, memory_order_relaxed)) return NULL;
    if (number < (epoch & TAKING_MASK))
      work(pool);
    else
      wait_while_taking_is(pool, epoch & TAKING_MASK);
  }
}

// Lets `threads` take part from the next run on.
static void take(spark_pool *pool, uint32_t threads) {
  atomic_store(&pool->taking, threads);
  syscall(SYS_futex, &pool->taking, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

// A thread has kept the caller waiting for `waited`, until `time`: it rests.
static void give_way(spark_pool *pool, instant waited, instant time) {
  bool at_once = time - pool->returned < pool->rest + waited;
  pool->factor = at_once ? pool->factor * 2 : LEAST_FACTOR;
  if (pool->factor > MOST_FACTOR) pool->factor = MOST_FACTOR;
  pool->rest = waited > LONGEST_REST / pool->factor ? LONGEST_REST : waited * pool->factor;
  pool->retry = time + pool->rest;
  uint32_t taking = atomic_load_explicit(&pool->taking, memory_order_relaxed);
  take(pool, taking - 1);
}

static bool is_done(spark_pool *pool) {
  return atomic_load_explicit(&pool->unfinished, memory_order_acquire) == 0;
}

static void wait_for_ranges(spark_pool *pool) {
  if (is_done(pool)) return;
  // Looking at the clock costs nothing here. The time since the last wait is at least what the caller
  // worked; it is more where it made a pause, and then a thread is given the benefit of the doubt.
  instant begun = now(), worked = begun - pool->last_wait;
  pool->last_wait = begun;
  do {
    for (int i = 0; i < PAUSES; i++) {
      if (is_done(pool)) return;
      pause_briefly();
    }
  } while (now() - begun < SPIN_FOR_RANGES);
  // Spinning on would keep a worker that has lost its core from getting this one.
  atomic_store(&pool->is_waiting, 1);
  for (;;) {
    uint32_t unfinished = atomic_load(&pool->unfinished);
    if (unfinished == 0) break;
    syscall(SYS_futex, &pool->unfinished, FUTEX_WAIT_PRIVATE, unfinished, NULL, NULL, 0);
  }
  atomic_store(&pool->is_waiting, 0);
  instant time = now();
  pool->last_wait = time;
  if (time - begun > worked) give_way(pool, time - begun, time);
}

static void advance(spark_pool *pool) {
  uint32_t count = (atomic_load_explicit(&pool->epoch, memory_order_relaxed) >> TAKING_BITS) + 1;
  uint32_t taking = atomic_load_explicit(&pool->taking, memory_order_relaxed);
  atomic_store(&pool->epoch, count << TAKING_BITS | taking);
  if (atomic_load(&pool->sleepers) > 0)
    syscall(SYS_futex, &pool->epoch, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

// See spark_pool_confine.
static bool confine(pthread_t thread, const int32_t *processors, size_t count) {
  size_t most = 0;
  for (size_t i = 0; i < count; i++)
    if (processors[i] >= 0 && (size_t)processors[i] >= most) most = (size_t)processors[i] + 1;
  cpu_set_t *set = most > 0 ? CPU_ALLOC(most) : NULL;
  if (!set) return false;
  size_t bytes = CPU_ALLOC_SIZE(most);
  CPU_ZERO_S(bytes, set);
  for (size_t i = 0; i < count; i++)
    if (processors[i] >= 0) CPU_SET_S((size_t)processors[i], bytes, set);
  bool done = pthread_setaffinity_np(thread, bytes, set) == 0;
  CPU_FREE(set);
  return done;
}

spark_pool *spark_pool_create(int32_t threads) {
  if (threads < 1) threads = 1;
  if (threads > TAKING_MASK) threads = TAKING_MASK;
  size_t bytes = sizeof(spark_pool) + sizeof(pthread_t) * (size_t)(threads - 1);
  spark_pool *pool = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
  if (!pool) return NULL;
  atomic_init(&pool->epoch, 0);
  atomic_init(&pool->sleepers, 0);
  atomic_init(&pool->left, 0);
  atomic_init(&pool->unfinished, 0);
  atomic_init(&pool->is_waiting, 0);
  atomic_init(&pool->stopping, false);
  atomic_init(&pool->taking, (uint32_t)threads);
  atomic_init(&pool->numbered, 0);
  pool->threads = 1;
  pool->active = threads;
  pool->last_wait = pool->retry = pool->returned = pool->rest = 0;
  pool->factor = LEAST_FACTOR;
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
  take(pool, 0);
  for (int32_t i = 0; i < pool->threads - 1; i++) pthread_join(pool->workers[i], NULL);
  free(pool);
}

int32_t spark_pool_threads(const spark_pool *pool) { return pool->threads; }

void spark_pool_use(spark_pool *pool, int32_t threads) {
  if (threads < 1) threads = 1;
  if (threads > pool->threads) threads = pool->threads;
  if (pool->active == threads) return;
  pool->active = threads;
  pool->returned = pool->rest = 0;
  take(pool, (uint32_t)threads);
}

bool spark_confine_thread(const int32_t *processors, size_t count) {
  return confine(pthread_self(), processors, count);
}

bool spark_pool_confine(spark_pool *pool, const int32_t *processors, size_t count) {
  bool all = true;
  for (int32_t i = 0; i < pool->threads - 1; i++)
    all = confine(pool->workers[i], processors, count) && all;
  return all;
}

// Threads for the next run: one more than at the last where one has rested long enough.
static uint32_t threads_now(spark_pool *pool) {
  uint32_t taking = atomic_load_explicit(&pool->taking, memory_order_relaxed);
  if (taking >= (uint32_t)pool->active) return taking;
  instant time = now();
  if (time < pool->retry) return taking;
  // Should others be left out, they wait their turn.
  pool->retry = time + pool->rest;
  pool->returned = pool->last_wait = time;
  take(pool, ++taking);
  return taking;
}

void spark_pool_run(
  spark_pool *pool, spark_task task, void *context, size_t items, size_t grain
) {
  if (items == 0) return;
  if (grain < 1) grain = 1;
  if (items <= grain || threads_now(pool) == 1) {
    task(context, 0, items);
    return;
  }
  // The count of ranges has 32 bits.
  while ((items - 1) / grain >= UINT32_MAX) grain *= 2;
  pool->task = task;
  pool->context = context;
  pool->items = items;
  pool->grain = grain;
  pool->ranges = (items - 1) / grain + 1;
  atomic_store_explicit(&pool->unfinished, (uint32_t)pool->ranges, memory_order_relaxed);
  atomic_store_explicit(&pool->left, (int64_t)pool->ranges, memory_order_release);
  advance(pool);
  work(pool);
  wait_for_ranges(pool);
}
