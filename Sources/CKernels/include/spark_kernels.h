// Compute kernels of Spark and the thread pool that runs them.
//
// Conventions
//   m   rows of activations (tokens) in a step        k   length of a row (input features)
//   n   rows of a weight matrix (output features)      d   head dimension
// Every kernel exists in one variant per instruction set. All variants do the same floating-point
// operations in the same order (explicit fused multiply-adds, 16-lane partial sums, exact integer
// dot products), so a result has the same bits on every one, whatever m is.
// Pointers never alias unless a comment says so. Nothing here allocates except where it says so.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------------
// Weights: 16 rows interleaved into a panel
// ---------------------------------------------------------------------------------------------

// Rows of a weight matrix that are interleaved into one panel: one SIMD lane each; and the most panels that are
// multiplied with a prompt in one call.
enum { SPARK_PANEL_ROWS = 16, SPARK_TILE_PANELS = 16 };

// Values are GGUF's tensor types.
typedef enum {
  SPARK_F32 = 0,
  SPARK_F16 = 1,
  SPARK_Q4_0 = 2,
  SPARK_Q4_1 = 3,
  SPARK_Q5_0 = 6,
  SPARK_Q5_1 = 7,
  SPARK_Q8_0 = 8,
  SPARK_Q4_K = 12,
  SPARK_Q5_K = 13,
  SPARK_Q6_K = 14,
  SPARK_BF16 = 30,
  SPARK_TYPE_END = 31,
} spark_type;

// Whether a matrix of this type multiplies 8-bit activations (else 32-bit floats).
bool spark_type_is_quantized(spark_type type);

// Bytes of one row of k elements as stored in a GGUF file. k is a multiple of the block length.
size_t spark_row_bytes(spark_type type, size_t k);

// Bytes of one panel of 16 rows of k elements; a multiple of 64.
size_t spark_panel_bytes(spark_type type, size_t k);

// Interleaves `count` (1...16) consecutive GGUF rows into one panel at a 64-byte aligned address;
// missing rows become zeros. Lossless: the panel holds the same numbers.
void spark_pack_panel(spark_type type, const void *rows, size_t count, size_t k, void *panel);

// Expands one GGUF row to floats. `out` has k elements.
void spark_dequantize_row(spark_type type, const void *row, size_t k, float *out);

// ---------------------------------------------------------------------------------------------
// Activations
// ---------------------------------------------------------------------------------------------

// Elements of a row that share one scale.
enum { SPARK_GROUP = 32 };

// m rows of k activations, as floats and, when k is a multiple of 32, as signed bytes:
// x[i] is about scale[i / 32] * q[i].
typedef struct {
  const float *x;          // [m][k]
  int8_t *q;               // [m][k]
  float *scale;            // [m][k / 32]
  float *scaled_sum;       // [m][k / 32]   scale * sum of q in the group
  int32_t *negative_sum;   // [m][k / 32]   -sum of q in the group
  int32_t *negative_half;  // [m][k / 16]   the same for each half of a group
  size_t m, k;
  // The first of the rows that are a prompt's; m where none are to be multiplied as such. They come last, k is a
  // multiple of 32 then, and in the place of bytes they have tiles of bf16:
  // [(m - prompt) / 16, rounded up][k / 32][16][32].
  size_t prompt;
  uint16_t *tiles;
} spark_activations;

// ---------------------------------------------------------------------------------------------
// Attention over blocks
// ---------------------------------------------------------------------------------------------

typedef enum { SPARK_KV_F16 = 0, SPARK_KV_F32 = 1 } spark_kv_type;

// Shape of the KV store. A block holds `block_length` tokens; within a block and layer, keys come
// first, [kv_heads][d][block_length] (channel-major), then values,
// [kv_heads][block_length][value_stride], value_stride being d rounded up to 16.
typedef struct {
  int32_t kv_heads, d, block_length, value_stride;
  size_t layer_bytes;  // bytes of one layer's keys and values in a block
  spark_kv_type type;
} spark_kv_layout;

// Tables of RoPE angles: cos and sin are [positions][rotary / 2]. Pairs are (2i, 2i+1) when
// interleaved, else (i, i + rotary / 2). Dimensions from `rotary` on are left as they are.
typedef struct {
  const float *cosine, *sine;
  int32_t rotary;
  bool interleaved;
} spark_rope;

// Part of a sequence's view: one block, whose token 0 stands at virtual position `start`, of which
// tokens [first, count) may be seen, first < count; none when count is 0. Only distances matter, so
// `start` may be negative. A layer's keys and values are at block + layer * stride: the layout's
// layer_bytes for a whole block, 0 for what one layer sees alone.
typedef struct {
  const uint8_t *block;
  size_t stride;
  int32_t start, first, count;
} spark_span;

// Consecutive tokens of one sequence that share a view. Row `row + i` of the step has its query at
// virtual position `position + i` and sees the tokens of the spans at positions up to its own.
typedef struct {
  int32_t row, rows, position;
  int32_t span, spans;  // range in the step's span array
} spark_run;

// Queries that share one key-value head and are worked on together, in general and in a prompt.
enum { SPARK_QUERY_TILE = 16, SPARK_PROMPT_TILE = 128, SPARK_MAX_BLOCK = 128, SPARK_MAX_HEAD = 512 };

typedef struct {
  const spark_kv_layout *layout;
  const spark_rope *rope;
  const spark_run *runs;
  size_t run_count;
  const spark_span *spans;
  int32_t layer, heads;
  float scale;         // usually 1 / sqrt(d)
  const float *query;  // [m][heads * d], not rotated
  float *out;          // [m][heads * d]
  // The first row of a prompt; m where none is to be attended as such.
  size_t prompt;
} spark_attention;

// Where row i's key and value go: slot `slot[i]` of `block[i]`.
typedef struct {
  const spark_kv_layout *layout;
  const spark_rope *rope;
  uint8_t *const *block;  // [m]
  const int32_t *slot;    // [m]
  int32_t layer;
  const float *key, *value;  // [m][kv_heads * d], not rotated
} spark_kv_write;

// ---------------------------------------------------------------------------------------------
// The index of blocks: what a layer's queries are held against to find blocks worth attending
// ---------------------------------------------------------------------------------------------

// Blocks that are interleaved into one index panel: one SIMD lane each.
enum { SPARK_INDEX_LANES = 16 };

// A panel holds f16 numbers [vectors][kv_heads][d][16 lanes]. With `bounds`, vector 0 holds each
// channel's least and vector 1 its greatest value.
typedef struct {
  int32_t vectors, heads, kv_heads, d;
  bool bounds;
} spark_index_layout;

// Keys of one head of a block's layer, as they were before RoPE turned them: out is [tokens][d].
// `magnitude` is what the RoPE table's numbers were multiplied with.
void spark_plain_keys(
  const spark_kv_layout *layout, const spark_rope *rope, float magnitude, const uint8_t *base,
  int32_t kv_head, int32_t tokens, float *out);

// Nearest half-precision numbers; beyond the largest, the largest.
void spark_put_halves(const float *x, size_t count, uint16_t *out, size_t stride);
float spark_half_value(uint16_t half);

// ---------------------------------------------------------------------------------------------
// The dispatch table
// ---------------------------------------------------------------------------------------------

typedef enum {
  SPARK_ISA_SCALAR = 0,
  SPARK_ISA_AVX2 = 1,
  SPARK_ISA_AVX512 = 2,
  SPARK_ISA_AMX = 3,
} spark_isa;

typedef struct {
  const char *name;

  // out[t][r] (+)= sum over i of w[r][i] * x[t][i] (+ bias[r]), for the 16 rows of one panel and
  // all m rows of x. `rows` of the 16 are stored. `bias` may be null. Row t is at out + t * stride.
  void (*multiply[SPARK_TYPE_END])(
    const void *panel, const spark_activations *x, size_t rows, const float *bias,
    bool accumulate, float *out, size_t stride);

  // The same for the rows of a prompt and up to SPARK_TILE_PANELS panels, `rows` rows in all, with both operands
  // rounded to bf16; null where no unit makes that worth while. A row's bits do not depend on m, but are
  // not those of `multiply`.
  void (*multiply_tiles)(
    spark_type type, const uint8_t *panels, size_t panel_bytes, const spark_activations *x,
    size_t rows, const float *bias, bool accumulate, float *out, size_t stride);

  // Fills the tiles of rows [begin, end) of x, all of a prompt.
  void (*fill_tiles)(const spark_activations *x, size_t begin, size_t end);

  // Quantizes rows [begin, end) of x (which must be filled) to bytes: scale = max|x| / 127 per
  // group of 32, q = nearest integer, ties to even.
  void (*quantize)(const spark_activations *x, size_t begin, size_t end);

  // out = x / sqrt(mean(x^2) + epsilon) * weight, n elements (Zhang and Sennrich 2019,
  // arXiv:1910.07467). out may be x.
  void (*rms_norm)(const float *x, const float *weight, float epsilon, size_t n, float *out);

  // out = gate / (1 + exp(-gate)) * up, n elements (Shazeer 2020, arXiv:2002.05202). out may be
  // gate.
  void (*swiglu)(const float *gate, const float *up, size_t n, float *out);

  // Writes x ([d]) rotated to out, which may not be x, by position `position` of the table (Su 2021, arXiv:2104.09864).
  void (*rotate)(const spark_rope *rope, int32_t position, int32_t d, const float *x, float *out);

  // Rotates the keys of rows [begin, end) by their slot and stores keys and values, bounded to the
  // finite numbers of the layout's type.
  void (*store_kv)(const spark_kv_write *job, size_t begin, size_t end);

  // Softmax attention of one tile of at most 16 queries over the spans of one run: queries
  // [first, first + count) of the run's rows * (heads / kv_heads) that belong to `kv_head`, counted
  // row by row. One online softmax runs across all spans in their order (Milakov and Gimelshein
  // 2018, arXiv:1805.02867); the query is rotated for each span, the stored keys never are.
  void (*attend)(
    const spark_attention *job, const spark_run *run, int32_t kv_head, int32_t first,
    int32_t count);

  // The same for at most SPARK_PROMPT_TILE queries of a prompt, with queries, keys, weights and values rounded
  // to bf16; null where no unit makes that worth while. See spark_attends_with_tiles.
  void (*attend_tiles)(
    const spark_attention *job, const spark_run *run, int32_t kv_head, int32_t first,
    int32_t count);

  // Scores of the 16 blocks of one index panel against `queries` queries, [queries][heads * d]:
  // scores[lane] = sum over queries and heads of the largest q . v over the block's vectors, or of
  // the bound that its least and greatest channels give.
  void (*score_panel)(
    const spark_index_layout *layout, const uint16_t *panel, const float *query, size_t queries,
    float *scores);
} spark_kernels;

// The table for an instruction set, or null when this processor or build has none.
const spark_kernels *spark_kernels_for(spark_isa isa);

// Whether the processor has the matrix unit that SPARK_ISA_AMX uses. The system may still refuse it.
bool spark_processor_has_amx(void);

// Whether prompts' attention with heads of `d` can be computed with tiles.
bool spark_attends_with_tiles(const spark_kernels *kernels, int32_t d);

// The widest instruction set that this processor has.
spark_isa spark_best_isa(void);

// ---------------------------------------------------------------------------------------------
// The thread pool
// ---------------------------------------------------------------------------------------------

typedef struct spark_pool spark_pool;

// Starts threads - 1 workers; the caller of spark_pool_run is the last. Allocates. Null when the
// system refuses.
spark_pool *spark_pool_create(int32_t threads);
void spark_pool_destroy(spark_pool *pool);
int32_t spark_pool_threads(const spark_pool *pool);

// From the next run on, only `threads` of the pool's threads take part, at least 1; the others sleep.
// Called where spark_pool_run is, never beside it. Results do not depend on it. Never allocates.
void spark_pool_use(spark_pool *pool, int32_t threads);

// Lets the workers, or the calling thread, run on these processors only, on any of them. False where the
// system refuses, as it does when a container has lost them all; then nothing has changed.
bool spark_pool_confine(spark_pool *pool, const int32_t *processors, size_t count);
bool spark_confine_thread(const int32_t *processors, size_t count);

// Calls task(context, begin, end) for ranges that together cover 0..<items, each at most `grain`
// long, on all threads; returns when all have returned. One caller at a time. Workers spin for
// some tens of microseconds after a task, then sleep until the next. While other processes keep the
// threads' cores, fewer take part.
typedef void (*spark_task)(void *context, size_t begin, size_t end);
void spark_pool_run(spark_pool *pool, spark_task task, void *context, size_t items, size_t grain);

// ---------------------------------------------------------------------------------------------
// Parallel operations: each is one or two dispatches on the pool
// ---------------------------------------------------------------------------------------------

// A packed matrix and where its product goes.
typedef struct {
  const uint8_t *panels;
  size_t panel_bytes;
  spark_type type;
  size_t rows;
  const float *bias;  // [rows] or null
  bool accumulate;
  float *out;  // [m][stride]
  size_t stride;
} spark_product;

// Multiplies the same activations with several matrices in one dispatch.
void spark_multiply(
  spark_pool *pool, const spark_kernels *kernels, const spark_product *products, size_t count,
  const spark_activations *x);

// Normalizes m rows of n into `x->x` and quantizes them if `quantized`; those of a prompt become tiles.
void spark_normalize(
  spark_pool *pool, const spark_kernels *kernels, const float *input, const float *weight,
  float epsilon, bool quantized, const spark_activations *x);

// SwiGLU of m rows of n into `x->x`, then the same.
void spark_swiglu(
  spark_pool *pool, const spark_kernels *kernels, const float *gate, const float *up,
  bool quantized, const spark_activations *x);

// Stores keys and values of m rows.
void spark_store_kv(
  spark_pool *pool, const spark_kernels *kernels, const spark_kv_write *write, size_t m);

// Attends over what has been stored.
void spark_attend(spark_pool *pool, const spark_kernels *kernels, const spark_attention *job);

// The same for m rows that are already in `x->x`.
void spark_prepare(
  spark_pool *pool, const spark_kernels *kernels, bool quantized, const spark_activations *x);

// Packs all panels of a matrix of `rows` rows from its GGUF bytes.
void spark_pack(
  spark_pool *pool, spark_type type, const void *source, size_t rows, size_t k, void *panels);

#ifdef __cplusplus
}
#endif
