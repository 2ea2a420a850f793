// Products of quantized weights on the matrix unit (AMX, Sapphire Rapids and later). Included after simd.h.
//
// A group of a panel is eight quads [16 rows][4 columns]: just the form in which the unit takes its second
// operand. It multiplies bytes exactly, so only the whole numbers come from it; scales are applied to them in
// the order of every other variant, and the bits are the same.
#include <immintrin.h>

enum {
  AMX_TILE = 16,  // tokens that the unit works on at once; half as many are worth its while too
  // Groups of a panel that are unpacked at once, for all tokens: 16 KiB.
  AMX_GROUPS = 32,
  AMX_TOKENS = 128,  // tokens whose sums are kept meanwhile
  AMX_SUMS = AMX_TILE * 16,
};

typedef struct {
  uint8_t palette, start;
  uint8_t reserved[14];
  uint16_t column_bytes[16];
  uint8_t rows[16];
} amx_shapes;

// Tiles 0 to 3: sums, [tokens][16 rows]. 4 and 5: activations, [tokens][columns]. 6 and 7: weights,
// [columns / 4][16 rows][4]. Q6_K has a scale for each half of a group, so it takes 16 columns at a time.
INLINE void amx_configure(spark_type type, int tokens) {
  int columns = type == SPARK_Q6_K ? 16 : 32;
  amx_shapes shapes = {.palette = 1};
  for (int i = 0; i < 4; i++) shapes.rows[i] = (uint8_t)tokens, shapes.column_bytes[i] = 64;
  for (int i = 4; i < 6; i++)
    shapes.rows[i] = (uint8_t)tokens, shapes.column_bytes[i] = (uint16_t)columns;
  for (int i = 6; i < 8; i++)
    shapes.rows[i] = (uint8_t)(columns / 4), shapes.column_bytes[i] = 64;
  _tile_loadconfig(&shapes);
}

// Groups of a panel, ready for the unit. Those of Q8_0 are so as they lie in the panel.
typedef struct {
  _Alignas(64) uint8_t unpacked[AMX_GROUPS][512];
  f32x16 scale[AMX_GROUPS], other[AMX_GROUPS];  // other: the second scale, or the minimum
} amx_groups;

INLINE void amx_unpack(
  spark_type type, const uint8_t *panel, size_t first, size_t count, amx_groups *out
) {
  panel_record r = record_of(type);
  uint8_t offset = (uint8_t)offset_of(type, 0);
  for (size_t i = 0; i < count; i++) {
    const uint8_t *record = panel + (first + i) / r.groups * record_bytes(r);
    size_t slot = (first + i) % r.groups;
    const uint8_t *group = record + r.head + slot * r.group_bytes;
    if (type != SPARK_Q8_0) {
      prefetch_near(group, r.group_bytes);
      u8x64 w[8];
      unpack(type, group, w);
      UNROLL for (int quad = 0; quad < 8; quad++) {
        w[quad] -= offset;
        memcpy(out->unpacked[i] + quad * 64, &w[quad], 64);
      }
    }
    group_scales s = scales_of(type, record, slot);
    out->scale[i] = s.scale;
    if (type == SPARK_Q6_K) out->other[i] = s.second;
    if (has_minimum(type)) out->other[i] = s.minimum;
  }
}

INLINE const uint8_t *amx_weights(
  spark_type type, const uint8_t *panel, const amx_groups *groups, size_t first, size_t i
) {
  if (type != SPARK_Q8_0) return groups->unpacked[i];
  panel_record r = record_of(type);
  size_t g = first + i;
  return panel + g / r.groups * record_bytes(r) + r.head + g % r.groups * r.group_bytes;
}

// sums = activations x weights, exactly.
#define AMX_MULTIPLY(SUM, X, WEIGHTS, Q, AT)                                                   \
  _tile_zero(SUM), _tile_loadd(X, Q, k), _tile_loadd(WEIGHTS, AT, 64),                         \
    _tile_dpbssd(SUM, X, WEIGHTS)

// Multiplies group `i` (counted from `first` of the panel), or four products' worth of groups from there: a group
// of Q6_K takes two, one for each half.
INLINE void amx_begin(
  spark_type type, bool four, const uint8_t *panel, const amx_groups *groups, size_t first, size_t i,
  const int8_t *q, size_t k
) {
  q += i * SPARK_GROUP;
  const uint8_t *at = amx_weights(type, panel, groups, first, i);
  AMX_MULTIPLY(0, 4, 6, q, at);
  if (type == SPARK_Q6_K) {
    AMX_MULTIPLY(1, 5, 7, q + 16, at + 256);
    if (!four) return;
    at = amx_weights(type, panel, groups, first, i + 1);
    AMX_MULTIPLY(2, 4, 6, q + 32, at);
    AMX_MULTIPLY(3, 5, 7, q + 48, at + 256);
  } else if (four) {
    AMX_MULTIPLY(1, 5, 7, q + 32, amx_weights(type, panel, groups, first, i + 1));
    AMX_MULTIPLY(2, 4, 6, q + 64, amx_weights(type, panel, groups, first, i + 2));
    AMX_MULTIPLY(3, 5, 7, q + 96, amx_weights(type, panel, groups, first, i + 3));
  }
}

INLINE void amx_end(spark_type type, bool four, int32_t *sums) {
  _tile_stored(0, sums, 64);
  if (four || type == SPARK_Q6_K) _tile_stored(1, sums + AMX_SUMS, 64);
  if (four) _tile_stored(2, sums + 2 * AMX_SUMS, 64), _tile_stored(3, sums + 3 * AMX_SUMS, 64);
}

INLINE i32x16 load_ints(const int32_t *p) {
  i32x16 v;
  memcpy(&v, p, sizeof v);
  return v;
}

// Adds `count` groups from sums of their products.
INLINE void amx_scale(
  spark_type type, int tile, const amx_groups *groups, size_t i, int count, const spark_activations *x,
  size_t at, const int32_t *sums, f32x16 *sum
) {
  size_t stride = x->k / SPARK_GROUP;
  UNROLL for (int g = 0; g < count; g++) {
    f32x16 scale = groups->scale[i + g], other = groups->other[i + g];
    UNROLL for (int t = 0; t < tile; t++) {
      size_t from = at + (size_t)t * stride + g;
      const int32_t *product = sums + (type == SPARK_Q6_K ? 2 * g : g) * AMX_SUMS + t * 16;
      f32x16 step = splat(x->scale[from]);
      i32x16 low = load_ints(product);
      sum[t] = fma16(__builtin_convertvector(low, f32x16), scale * step, sum[t]);
      if (type == SPARK_Q6_K)
        sum[t] = fma16(
          __builtin_convertvector(load_ints(product + AMX_SUMS), f32x16), other * step, sum[t]);
      if (has_minimum(type)) sum[t] = fma16(other, splat(x->scaled_sum[from]), sum[t]);
    }
  }
}

// Asks for the groups that are unpacked after these; of Q8_0, which is read as it lies, for those soon to come.
INLINE void amx_prefetch(spark_type type, const uint8_t *panel, size_t first, size_t count) {
  panel_record r = record_of(type);
  size_t bytes = record_bytes(r) / r.groups;
  const uint8_t *p = panel + first * bytes;
  UNROLL for (size_t line = 0; line < 4 * 544; line += 64) {
    if (line >= count * bytes) break;
    if (type == SPARK_Q8_0) __builtin_prefetch(p + NEAR_BYTES + line);
    __builtin_prefetch(p + (type == SPARK_Q8_0 ? FAR_BYTES : AMX_GROUPS * bytes) + line, 0, 2);
  }
}

// Adds groups to the sums of one tile of tokens. The unit works on the next groups while scales are applied.
INLINE void amx_add(
  spark_type type, int tile, const uint8_t *panel, const amx_groups *groups, size_t first,
  size_t count, const spark_activations *x, size_t token, bool reads_ahead, f32x16 *out
) {
  size_t k = x->k, at = token * (k / SPARK_GROUP) + first;
  const int8_t *q = x->q + at * SPARK_GROUP;
  _Alignas(64) int32_t sums[4 * AMX_SUMS];
  f32x16 sum[AMX_TILE];
  UNROLL for (int t = 0; t < tile; t++) sum[t] = out[t];
  const size_t step = type == SPARK_Q6_K ? 2 : 4;
  size_t i = 0;
  if (count >= step) {
    amx_begin(type, true, panel, groups, first, 0, q, k);
    amx_end(type, true, sums);
    for (; i + 2 * step <= count; i += step) {
      amx_begin(type, true, panel, groups, first, i + step, q, k);
      if (reads_ahead) amx_prefetch(type, panel, first + i, step);
      amx_scale(type, tile, groups, i, (int)step, x, at + i, sums, sum);
      amx_end(type, true, sums);
    }
    amx_scale(type, tile, groups, i, (int)step, x, at + i, sums, sum);
    i += step;
  }
  for (; i < count; i++) {
    amx_begin(type, false, panel, groups, first, i, q, k);
    amx_end(type, false, sums);
    amx_scale(type, tile, groups, i, 1, x, at + i, sums, sum);
  }
  UNROLL for (int t = 0; t < tile; t++) out[t] = sum[t];
}

// Tokens [begin, end), a multiple of half a tile and at most AMX_TOKENS.
INLINE void multiply_quants_amx(
  spark_type type, const uint8_t *panel, const spark_activations *x, size_t begin, size_t end,
  size_t rows, const float *bias, bool accumulate, float *out, size_t stride
) {
  amx_groups groups;
  f32x16 sums[AMX_TOKENS];
  size_t all = x->k / SPARK_GROUP;
  for (size_t t = 0; t < end - begin; t++) sums[t] = (f32x16){0};
  for (size_t g = 0; g < all; g += AMX_GROUPS) {
    size_t count = all - g < AMX_GROUPS ? all - g : AMX_GROUPS, t = begin;
    amx_unpack(type, panel, g, count, &groups);
    if (t + AMX_TILE <= end) amx_configure(type, AMX_TILE);
    for (; t + AMX_TILE <= end; t += AMX_TILE)
      amx_add(type, AMX_TILE, panel, &groups, g, count, x, t, t == begin, sums + (t - begin));
    if (t < end) {
      amx_configure(type, AMX_TILE / 2);
      amx_add(type, AMX_TILE / 2, panel, &groups, g, count, x, t, t == begin, sums + (t - begin));
    }
  }
  for (size_t t = begin; t < end; t++)
    store_rows(sums[t - begin], rows, bias, accumulate, out + t * stride);
}

// For fewer than LEAST tokens, loading the unit costs more than it saves.
#define MULTIPLY_AMX(NAME, TYPE, LEAST)                                                        \
  static void multiply_amx_##NAME(                                                             \
    const void *panel, const spark_activations *x, size_t rows, const float *bias,             \
    bool accumulate, float *out, size_t stride                                                 \
  ) {                                                                                          \
    size_t t = 0;                                                                              \
    while (x->m - t >= LEAST) {                                                                \
      size_t left = x->m - t, count = left < AMX_TOKENS ? left & ~(size_t)7 : AMX_TOKENS;      \
      multiply_quants_amx(                                                                     \
        TYPE, panel, x, t, t + count, rows, bias, accumulate, out, stride);                    \
      t += count;                                                                              \
    }                                                                                          \
    if (t > 0) _tile_release();                                                                \
    MULTIPLY_REST(quants, TYPE, TOKEN_TILE)                                                    \
  }
MULTIPLY_AMX(q8_0, SPARK_Q8_0, 8)
MULTIPLY_AMX(q4_0, SPARK_Q4_0, 16)
MULTIPLY_AMX(q4_1, SPARK_Q4_1, 16)
MULTIPLY_AMX(q5_0, SPARK_Q5_0, 16)
MULTIPLY_AMX(q5_1, SPARK_Q5_1, 16)
MULTIPLY_AMX(q4_k, SPARK_Q4_K, 16)
MULTIPLY_AMX(q5_k, SPARK_Q5_K, 16)
MULTIPLY_AMX(q6_k, SPARK_Q6_K, 16)
