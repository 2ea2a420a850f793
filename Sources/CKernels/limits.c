// What a machine can do at most: its memory read in a straight line, and products that stay in the nearest cache.
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "spark_limits.h"
#include "vectors.h"

#define UNROLL _Pragma("clang loop unroll(full)")

typedef uint64_t u64x8 __attribute__((vector_size(64)));

// 64-byte vectors are groups of registers where there are none so wide; what passes one is inlined.
#pragma clang diagnostic ignored "-Wpsabi"

// ---- any processor ----------------------------------------------------------------------------

#define TILE_ROWS 2
#define TILE_VECTORS 1
#define NAMED(name) name##_scalar
INLINE i32x16 dot_bytes_scalar(i32x16 sum, u8x64 b, int32_t a) {
  i32x16 words = (i32x16)b;
  sum += (words & 255) * (int32_t)(int8_t)a;
  sum += (words >> 8 & 255) * (int32_t)(int8_t)(a >> 8);
  sum += (words >> 16 & 255) * (int32_t)(int8_t)(a >> 16);
  return sum + (words >> 24 & 255) * (a >> 24);
}
INLINE f32x16 add_floats_scalar(f32x16 sum, f32x16 b, float a) { return b * a + sum; }
#define ADD_FLOATS add_floats_scalar
#define dot_bytes dot_bytes_scalar
#include "limits_loops.h"
#undef dot_bytes
#undef ADD_FLOATS
#undef NAMED
#undef TILE_VECTORS
#undef TILE_ROWS

#if defined(__x86_64__)
#define ADD_FLOATS(sum, b, a) __builtin_elementwise_fma(b, (a) - (f32x16){0}, sum)

// ---- AVX2 -------------------------------------------------------------------------------------

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define TILE_ROWS 4
#define TILE_VECTORS 1
#define NAMED(name) name##_avx2
// Pairs of products fit 16 bits, b being below 128.
INLINE i32x16 dot_bytes_avx2(i32x16 sum, u8x64 b, int32_t a) {
  __m256i word = _mm256_set1_epi32(a), ones = _mm256_set1_epi16(1), s[2], w[2];
  memcpy(s, &sum, sizeof s);
  memcpy(w, &b, sizeof w);
  UNROLL for (int i = 0; i < 2; i++)
    s[i] = _mm256_add_epi32(s[i], _mm256_madd_epi16(_mm256_maddubs_epi16(w[i], word), ones));
  memcpy(&sum, s, sizeof s);
  return sum;
}
#define dot_bytes dot_bytes_avx2
#include "limits_loops.h"
#undef dot_bytes
#undef NAMED
#undef TILE_VECTORS
#undef TILE_ROWS
#pragma clang attribute pop

// ---- AVX-512 ----------------------------------------------------------------------------------

#define TILE_ROWS 8
#define TILE_VECTORS 2
#define NAMED(name) name##_avx512
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vnni"))), \
  apply_to = function)
INLINE i32x16 dot_bytes_avx512(i32x16 sum, u8x64 b, int32_t a) {
  return (i32x16)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)b, _mm512_set1_epi32(a));
}
#define dot_bytes dot_bytes_avx512
#include "limits_loops.h"
#undef dot_bytes
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512bf16"))), \
  apply_to = function)
INLINE f32x16 dot_bfloats_avx512(f32x16 sum, u8x64 b, int32_t a) {
  return (f32x16)_mm512_dpbf16_ps((__m512)sum, (__m512bh)b, (__m512bh)_mm512_set1_epi32(a));
}
PRODUCT(bfloats, f32x16, u8x64, int32_t, dot_bfloats_avx512)
#pragma clang attribute pop
#undef NAMED
#undef TILE_VECTORS
#undef TILE_ROWS

// ---- the matrix unit --------------------------------------------------------------------------

typedef struct {
  uint8_t palette, start;
  uint8_t reserved[14];
  uint16_t column_bytes[16];
  uint8_t rows[16];
} tile_shapes;

// Tiles 0 to 3 are sums, 4 and 5 rows of a, 6 and 7 columns of b, each 16 by 64 bytes: four loads for four products.
#define MATRIX_PRODUCT(NAME, TILE_DOT)                                                         \
  static void NAME##_amx(const void *a, const void *b, size_t times, void *out) {              \
    enum { TILE = 16, ROW_BYTES = SPARK_PEAK_WORDS * 4, WORD_BYTES = SPARK_PEAK_SIDE * 4 };    \
    tile_shapes shapes = {.palette = 1};                                                       \
    for (int tile = 0; tile < 8; tile++) shapes.rows[tile] = TILE, shapes.column_bytes[tile] = 64; \
    _tile_loadconfig(&shapes);                                                                 \
    _tile_zero(0), _tile_zero(1), _tile_zero(2), _tile_zero(3);                                \
    for (size_t round = 0; round < times; round++) {                                           \
      for (int w = 0; w < SPARK_PEAK_WORDS; w += TILE) {                                       \
        const uint8_t *rows = (const uint8_t *)a + w * 4;                                      \
        const uint8_t *columns = (const uint8_t *)b + w * WORD_BYTES;                          \
        _tile_loadd(4, rows, ROW_BYTES);                                                       \
        _tile_loadd(6, columns, WORD_BYTES);                                                   \
        _tile_loadd(5, rows + TILE * ROW_BYTES, ROW_BYTES);                                    \
        _tile_loadd(7, columns + 64, WORD_BYTES);                                              \
        TILE_DOT(0, 4, 6), TILE_DOT(1, 4, 7), TILE_DOT(2, 5, 6), TILE_DOT(3, 5, 7);            \
      }                                                                                        \
    }                                                                                          \
    uint8_t *to = out;                                                                         \
    _tile_stored(0, to, WORD_BYTES), _tile_stored(1, to + 64, WORD_BYTES);                     \
    _tile_stored(2, to + TILE * WORD_BYTES, WORD_BYTES);                                       \
    _tile_stored(3, to + TILE * WORD_BYTES + 64, WORD_BYTES);                                  \
    _tile_release();                                                                           \
  }
#pragma clang attribute push( \
  __attribute__((target("amx-tile,amx-int8,amx-bf16"))), apply_to = function)
MATRIX_PRODUCT(bytes, _tile_dpbsud)
MATRIX_PRODUCT(bfloats, _tile_dpbf16ps)
#pragma clang attribute pop
#endif

// ---- which of them ----------------------------------------------------------------------------

bool spark_limits_for(spark_isa isa, spark_limits *limits) {
  if (!spark_kernels_for(isa)) return false;
  *limits = (spark_limits){
    read_scalar, {[SPARK_PEAK_BYTES] = bytes_scalar, [SPARK_PEAK_FLOATS] = floats_scalar}};
#if defined(__x86_64__)
  if (isa == SPARK_ISA_AVX2)
    *limits = (spark_limits){
      read_avx2, {[SPARK_PEAK_BYTES] = bytes_avx2, [SPARK_PEAK_FLOATS] = floats_avx2}};
  if (isa >= SPARK_ISA_AVX512) {
    *limits = (spark_limits){
      read_avx512, {[SPARK_PEAK_BYTES] = bytes_avx512, [SPARK_PEAK_FLOATS] = floats_avx512}};
    if (__builtin_cpu_supports("avx512bf16")) limits->multiply[SPARK_PEAK_BFLOATS] = bfloats_avx512;
  }
  if (isa == SPARK_ISA_AMX) {
    limits->multiply[SPARK_PEAK_BYTES] = bytes_amx;
    if (__builtin_cpu_supports("amx-bf16")) limits->multiply[SPARK_PEAK_BFLOATS] = bfloats_amx;
  }
#endif
  return true;
}

// ---- with all threads -------------------------------------------------------------------------

// Long enough for a straight line, short enough for threads to even out.
enum { STRETCH = 1 << 20 };

typedef struct {
  const spark_limits *limits;
  const uint8_t *memory;
  size_t bytes;
  _Atomic uint64_t words;
} read_job;

static void read_task(void *context, size_t begin, size_t end) {
  read_job *job = context;
  size_t from = begin * STRETCH, to = end * STRETCH;
  if (to > job->bytes) to = job->bytes;
  job->words ^= job->limits->read(job->memory + from, to - from);
}

uint64_t spark_read_memory(
  spark_pool *pool, const spark_limits *limits, const void *memory, size_t bytes
) {
  read_job job = {limits, memory, bytes, 0};
  spark_pool_run(pool, read_task, &job, (bytes + STRETCH - 1) / STRETCH, 4);
  return job.words;
}

typedef struct {
  void (*multiply)(const void *a, const void *b, size_t times, void *out);
  const void *a, *b;
  size_t times;
} product_job;

static void product_task(void *context, size_t begin, size_t end) {
  const product_job *job = context;
  _Alignas(64) uint8_t out[SPARK_PEAK_SIDE * SPARK_PEAK_SIDE * 4];
  for (size_t i = begin; i < end; i++) job->multiply(job->a, job->b, job->times, out);
}

void spark_repeat_product(
  spark_pool *pool, const spark_limits *limits, spark_peak peak, const void *a, const void *b,
  size_t blocks, size_t times
) {
  product_job job = {limits->multiply[peak], a, b, times};
  spark_pool_run(pool, product_task, &job, blocks, 1);
}
