// Operations of a step spread over the pool. What one item computes never depends on how items are
// grouped, so results do not depend on the number of threads.
#include <string.h>

#include "spark_kernels.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Ranges per thread: enough for the threads to even out, few enough to keep streams long.
static size_t grain_for(const spark_pool *pool, size_t items) {
  size_t ranges = (size_t)spark_pool_threads(pool) * 8;
  return (items + ranges - 1) / ranges;
}

// Work worth a dispatch, in elements: below it one thread is done before another has woken.
enum { DISPATCH_ELEMENTS = 8192 };

static size_t row_grain(const spark_pool *pool, size_t m, size_t k) {
  return m * k < DISPATCH_ELEMENTS ? m : grain_for(pool, m);
}

// Weights in a range of a product, in bytes, for one token: at most some 100 microseconds. However large the
// matrix, whoever is done first then waits no longer than that, and a thread that loses its core keeps little from
// the others. Shorter ones end before the memory has come up to speed: with 64 KiB four tokens were read for a
// third less.
enum { RANGE_BYTES = 1 << 20 };

// ---- products ---------------------------------------------------------------------------------

typedef struct {
  const spark_kernels *kernels;
  const spark_product *products;
  size_t count;
  const spark_activations *x;
} multiply_job;

static size_t panels_of(const spark_product *p) {
  return (p->rows + SPARK_PANEL_ROWS - 1) / SPARK_PANEL_ROWS;
}

// Panels that a thread takes at once to multiply `m` tokens.
static size_t panel_grain(
  const spark_pool *pool, const spark_product *products, size_t count, size_t panels, size_t m
) {
  size_t most = 1;
  for (size_t i = 0; i < count; i++)
    if (products[i].panel_bytes > most) most = products[i].panel_bytes;
  size_t brief = RANGE_BYTES / (most * m);
  return smaller(grain_for(pool, panels), brief < 1 ? 1 : brief);
}

static void multiply_task(void *context, size_t begin, size_t end) {
  const multiply_job *job = context;
  size_t base = 0;
  for (size_t i = 0; i < job->count && base < end; i++) {
    const spark_product *p = &job->products[i];
    size_t panels = panels_of(p);
    for (size_t at = begin > base ? begin - base : 0; at < smaller(panels, end - base); at++) {
      size_t row = at * SPARK_PANEL_ROWS;
      job->kernels->multiply[p->type](
        p->panels + at * p->panel_bytes, job->x, smaller(p->rows - row, SPARK_PANEL_ROWS),
        p->bias ? p->bias + row : NULL, p->accumulate, p->out + row, p->stride);
    }
    base += panels;
  }
}

typedef struct {
  multiply_job job;
  size_t panels;  // of an item
} tile_job;

static size_t items_of(const spark_product *p, size_t panels) {
  return (panels_of(p) + panels - 1) / panels;
}

static void multiply_tiles_task(void *context, size_t begin, size_t end) {
  const tile_job *tiles = context;
  const multiply_job *job = &tiles->job;
  size_t base = 0;
  for (size_t i = 0; i < job->count && base < end; i++) {
    const spark_product *p = &job->products[i];
    size_t items = items_of(p, tiles->panels), most = tiles->panels * SPARK_PANEL_ROWS;
    for (size_t at = begin > base ? begin - base : 0; at < smaller(items, end - base); at++) {
      size_t row = at * most;
      job->kernels->multiply_tiles(
        p->type, p->panels + at * tiles->panels * p->panel_bytes, p->panel_bytes, job->x,
        smaller(p->rows - row, most), p->bias ? p->bias + row : NULL, p->accumulate, p->out + row,
        p->stride);
    }
    base += items;
  }
}

void spark_multiply(
  spark_pool *pool, const spark_kernels *kernels, const spark_product *products, size_t count,
  const spark_activations *x
) {
  tile_job tiles = {{kernels, products, count, x}, 0};
  size_t panels = 0, items = 0;
  for (size_t i = 0; i < count; i++) panels += panels_of(&products[i]);
  if (x->prompt > 0) {
    spark_activations first = *x;
    first.m = x->prompt;
    multiply_job job = {kernels, products, count, &first};
    spark_pool_run(
      pool, multiply_task, &job, panels, panel_grain(pool, products, count, panels, first.m));
  }
  if (x->prompt == x->m) return;
  // Each item goes over all tokens: as few as keep the threads busy. Pairs, since they are multiplied so.
  size_t share = panels / ((size_t)spark_pool_threads(pool) * 4) & ~(size_t)1;
  tiles.panels = share < 2 ? 2 : smaller(share, SPARK_TILE_PANELS);
  for (size_t i = 0; i < count; i++) items += items_of(&products[i], tiles.panels);
  spark_pool_run(pool, multiply_tiles_task, &tiles, items, 1);
}

// ---- rows -------------------------------------------------------------------------------------

typedef struct {
  const spark_kernels *kernels;
  const float *a, *b;  // input and weight, or gate and up
  float epsilon;
  bool quantized;
  const spark_activations *x;
} row_job;

// Has rows in the form in which they are multiplied.
static void prepare(const row_job *job, size_t begin, size_t end) {
  size_t prompt = job->x->prompt;
  if (job->quantized && begin < prompt)
    job->kernels->quantize(job->x, begin, smaller(end, prompt));
  if (end > prompt) job->kernels->fill_tiles(job->x, begin > prompt ? begin : prompt, end);
}

static void normalize_task(void *context, size_t begin, size_t end) {
  const row_job *job = context;
  size_t k = job->x->k;
  float *out = (float *)job->x->x;
  for (size_t t = begin; t < end; t++)
    job->kernels->rms_norm(job->a + t * k, job->b, job->epsilon, k, out + t * k);
  prepare(job, begin, end);
}

void spark_normalize(
  spark_pool *pool, const spark_kernels *kernels, const float *input, const float *weight,
  float epsilon, bool quantized, const spark_activations *x
) {
  row_job job = {kernels, input, weight, epsilon, quantized, x};
  spark_pool_run(pool, normalize_task, &job, x->m, row_grain(pool, x->m, x->k));
}

static void swiglu_task(void *context, size_t begin, size_t end) {
  const row_job *job = context;
  size_t k = job->x->k;
  float *out = (float *)job->x->x;
  job->kernels->swiglu(job->a + begin * k, job->b + begin * k, (end - begin) * k, out + begin * k);
  prepare(job, begin, end);
}

void spark_swiglu(
  spark_pool *pool, const spark_kernels *kernels, const float *gate, const float *up,
  bool quantized, const spark_activations *x
) {
  row_job job = {kernels, gate, up, 0, quantized, x};
  spark_pool_run(pool, swiglu_task, &job, x->m, row_grain(pool, x->m, x->k));
}

static void prepare_task(void *context, size_t begin, size_t end) {
  prepare(context, begin, end);
}

void spark_prepare(
  spark_pool *pool, const spark_kernels *kernels, bool quantized, const spark_activations *x
) {
  if (!quantized && x->prompt == x->m) return;
  row_job job = {.kernels = kernels, .quantized = quantized, .x = x};
  spark_pool_run(pool, prepare_task, &job, x->m, row_grain(pool, x->m, x->k));
}

// ---- attention --------------------------------------------------------------------------------

typedef struct {
  const spark_kernels *kernels;
  const spark_kv_write *write;
} store_job;

static void store_task(void *context, size_t begin, size_t end) {
  const store_job *job = context;
  job->kernels->store_kv(job->write, begin, end);
}

void spark_store_kv(
  spark_pool *pool, const spark_kernels *kernels, const spark_kv_write *write, size_t m
) {
  store_job job = {kernels, write};
  size_t width = (size_t)write->layout->kv_heads * (size_t)write->layout->d;
  spark_pool_run(pool, store_task, &job, m, row_grain(pool, m, width));
}

typedef struct {
  const spark_kernels *kernels;
  const spark_attention *attention;
} attention_job;

static bool has_tiles(const attention_job *job, const spark_run *run) {
  return (size_t)run->row >= job->attention->prompt &&
    spark_attends_with_tiles(job->kernels, job->attention->layout->d);
}

static size_t queries_of(const spark_attention *job, const spark_run *run) {
  return (size_t)run->rows * (size_t)(job->heads / job->layout->kv_heads);
}

static size_t tiles_of(const attention_job *job, const spark_run *run) {
  size_t size = has_tiles(job, run) ? SPARK_PROMPT_TILE : SPARK_QUERY_TILE;
  return (queries_of(job->attention, run) + size - 1) / size;
}

// Items are counted run by run, within a run head by head, within a head tile by tile.
static void attend_task(void *context, size_t begin, size_t end) {
  const attention_job *job = context;
  const spark_attention *attention = job->attention;
  size_t base = 0;
  for (size_t r = 0; r < attention->run_count && base < end; r++) {
    const spark_run *run = &attention->runs[r];
    size_t tiles = tiles_of(job, run), queries = queries_of(attention, run);
    bool as_tiles = has_tiles(job, run);
    size_t size = as_tiles ? SPARK_PROMPT_TILE : SPARK_QUERY_TILE;
    size_t items = tiles * (size_t)attention->layout->kv_heads;
    for (size_t at = begin > base ? begin - base : 0; at < smaller(items, end - base); at++) {
      size_t first = at % tiles * size;
      (as_tiles ? job->kernels->attend_tiles : job->kernels->attend)(
        attention, run, (int32_t)(at / tiles), (int32_t)first,
        (int32_t)smaller(queries - first, size));
    }
    base += items;
  }
}

void spark_attend(spark_pool *pool, const spark_kernels *kernels, const spark_attention *job) {
  attention_job context = {kernels, job};
  size_t items = 0, work = 0;
  for (size_t r = 0; r < job->run_count; r++) {
    items += tiles_of(&context, &job->runs[r]) * (size_t)job->layout->kv_heads;
    work += (size_t)job->runs[r].rows * (size_t)job->runs[r].spans;
  }
  work *= (size_t)job->layout->block_length * (size_t)job->heads;
  spark_pool_run(
    pool, attend_task, &context, items, work < DISPATCH_ELEMENTS / 8 ? items : 1);
}

// ---- packing ----------------------------------------------------------------------------------

typedef struct {
  spark_type type;
  const uint8_t *source;
  size_t rows, k, row_bytes, panel_bytes;
  uint8_t *panels;
} pack_job;

static void pack_task(void *context, size_t begin, size_t end) {
  const pack_job *job = context;
  for (size_t at = begin; at < end; at++) {
    size_t row = at * SPARK_PANEL_ROWS;
    spark_pack_panel(
      job->type, job->source + row * job->row_bytes, smaller(job->rows - row, SPARK_PANEL_ROWS),
      job->k, job->panels + at * job->panel_bytes);
  }
}

void spark_pack(
  spark_pool *pool, spark_type type, const void *source, size_t rows, size_t k, void *panels
) {
  pack_job job = {
    type, source, rows, k, spark_row_bytes(type, k), spark_panel_bytes(type, k), panels};
  size_t count = (rows + SPARK_PANEL_ROWS - 1) / SPARK_PANEL_ROWS;
  spark_pool_run(pool, pack_task, &job, count, grain_for(pool, count));
}
