// Products of quantized weights on the matrix unit (AMX, Sapphire Rapids and later). Included after simd.h.
//
// A group of a panel is eight quads [16 rows][4 columns]: just the form in which the unit takes its second
// operand. It multiplies bytes exactly, so only the whole numbers come from it; scales are applied to them in
// the order of every other variant, and the bits are the same.
#include <immintrin.h>

// Tiles of tokens that the unit works on. For fewer, loading it costs more than it saves.
enum { AMX_TILE = 16, AMX_LEAST = 8 };

typedef struct {
  uint8_t palette, start;
  uint8_t reserved[14];
  uint16_t column_bytes[16];
  uint8_t rows[16];
} amx_shapes;

// Tile 0: sums, [tokens][16 rows]. Tile 1: activations, [tokens][columns]. Tile 2: weights,
// [columns / 4][16 rows][4]. Q6_K has a scale for each half of a group, so it takes 16 columns at a time.
INLINE void amx_configure(spark_type type, int tokens) {
  int columns = type == SPARK_Q6_K ? 16 : 32;
  amx_shapes shapes = {.palette = 1};
  shapes.rows[0] = (uint8_t)tokens, shapes.column_bytes[0] = 64;
  shapes.rows[1] = (uint8_t)tokens, shapes.column_bytes[1] = (uint16_t)columns;
  shapes.rows[2] = (uint8_t)(columns / 4), shapes.column_bytes[2] = 64;
  _tile_loadconfig(&shapes);
}

// sums = activations (signed) x weights (unsigned), exactly.
INLINE void amx_multiply(const int8_t *q, size_t k, const uint8_t *weights, int32_t *sums) {
  _tile_zero(0);
  _tile_loadd(1, q, k);
  _tile_loadd(2, weights, 64);
  _tile_dpbsud(0, 1, 2);
  _tile_stored(0, sums, 64);
}

INLINE i32x16 load_ints(const int32_t *p) {
  i32x16 v;
  memcpy(&v, p, sizeof v);
  return v;
}

INLINE void multiply_quants_amx(
  spark_type type, int tile, const uint8_t *panel, const spark_activations *x, size_t first,
  size_t rows, const float *bias, bool accumulate, float *out, size_t stride
) {
  panel_record r = record_of(type);
  size_t k = x->k, groups = k / SPARK_GROUP;
  int32_t offset = offset_of(type, 128);
  // Two of each: the unit works on the next group while scales are applied to this one.
  _Alignas(64) uint8_t unpacked[2][512];
  _Alignas(64) int32_t sums[2][2][AMX_TILE * 16];
  f32x16 sum[AMX_TILE];
  UNROLL for (int t = 0; t < tile; t++) sum[t] = (f32x16){0};

  for (size_t g = 0; g < groups; g++) {
    const uint8_t *record = panel + g / r.groups * record_bytes(r);
    size_t slot = g % r.groups;
    const uint8_t *group = record + r.head + slot * r.group_bytes;
    if (first == 0) prefetch(group, r.group_bytes);
    const uint8_t *weights = group;
    if (type != SPARK_Q8_0) {
      u8x64 w[8];
      unpack(type, group, w);
      UNROLL for (int quad = 0; quad < 8; quad++)
        memcpy(unpacked[g & 1] + quad * 64, &w[quad], 64);
      weights = unpacked[g & 1];
    }
    const int8_t *q = x->q + first * k + g * SPARK_GROUP;
    amx_multiply(q, k, weights, sums[g & 1][0]);
    if (type == SPARK_Q6_K) amx_multiply(q + 16, k, weights + 256, sums[g & 1][1]);

    group_scales s = scales_of(type, record, slot);
    UNROLL for (int t = 0; t < tile; t++) {
      size_t at = (first + (size_t)t) * groups + g;
      i32x16 low = load_ints(sums[g & 1][0] + t * 16);
      f32x16 step = splat(x->scale[at]);
      if (type == SPARK_Q6_K) {
        low += splat_int(x->negative_half[at * 2] * offset);
        i32x16 high = load_ints(sums[g & 1][1] + t * 16) +
          splat_int(x->negative_half[at * 2 + 1] * offset);
        sum[t] = fma16(__builtin_convertvector(low, f32x16), s.scale * step, sum[t]);
        sum[t] = fma16(__builtin_convertvector(high, f32x16), s.second * step, sum[t]);
      } else {
        if (offset) low += splat_int(x->negative_sum[at] * offset);
        sum[t] = fma16(__builtin_convertvector(low, f32x16), s.scale * step, sum[t]);
        if (has_minimum(type)) sum[t] = fma16(s.minimum, splat(x->scaled_sum[at]), sum[t]);
      }
    }
  }
  UNROLL for (int t = 0; t < tile; t++)
    store_rows(sum[t], rows, bias, accumulate, out + (first + (size_t)t) * stride);
}

#define MULTIPLY_AMX(NAME, TYPE)                                                               \
  static void multiply_amx_##NAME(                                                             \
    const void *panel, const spark_activations *x, size_t rows, const float *bias,             \
    bool accumulate, float *out, size_t stride                                                 \
  ) {                                                                                          \
    size_t t = 0;                                                                              \
    if (x->m >= AMX_TILE) amx_configure(TYPE, AMX_TILE);                                       \
    for (; t + AMX_TILE <= x->m; t += AMX_TILE)                                                \
      multiply_quants_amx(TYPE, AMX_TILE, panel, x, t, rows, bias, accumulate, out, stride);   \
    if (t + AMX_LEAST <= x->m) {                                                               \
      amx_configure(TYPE, AMX_LEAST);                                                          \
      multiply_quants_amx(TYPE, AMX_LEAST, panel, x, t, rows, bias, accumulate, out, stride);  \
      t += AMX_LEAST;                                                                          \
    }                                                                                          \
    if (t > 0) _tile_release();                                                                \
    MULTIPLY_REST(quants, TYPE, TOKEN_TILE)                                                    \
  }
MULTIPLY_AMX(q8_0, SPARK_Q8_0)
MULTIPLY_AMX(q4_0, SPARK_Q4_0)
MULTIPLY_AMX(q4_1, SPARK_Q4_1)
MULTIPLY_AMX(q5_0, SPARK_Q5_0)
MULTIPLY_AMX(q5_1, SPARK_Q5_1)
MULTIPLY_AMX(q4_k, SPARK_Q4_K)
MULTIPLY_AMX(q5_k, SPARK_Q5_K)
MULTIPLY_AMX(q6_k, SPARK_Q6_K)
