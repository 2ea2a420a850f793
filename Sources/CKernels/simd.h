// The SIMD variants, written once over 16-lane vectors and compiled for each instruction set.
//
// The including file has defined, for its instruction set:
//   TOKEN_TILE, FLOAT_TILE   tokens whose sums fit its registers
//   FLOAT_SUMS               and of how many columns, see multiply_floats_tile
//   i32x16 dot16(i32x16 sum, const u8x64 w[4], const int8_t *q, int bits)
//               adds 4 times 4 products of bytes per lane, w < 1 << bits
//   i32x16 dot4_q8(i32x16 sum, u8x64 w, const int8_t *q)  adds 4 of signed weights, or with
//   Q8_OFFSET   (128 or 0) added to each of them
//   u8x64 add_fifth_bit(u8x64 w, const uint8_t *mask)
//   f32x16 load_halves(const void *), void store_halves(f32x16, void *)
// Results equal the scalar variant's bit for bit: see there for what is computed.
#include <float.h>

#include "exponential.h"
#include "panel.h"
#include "tables.h"

#pragma clang fp contract(off)

#define UNROLL _Pragma("clang loop unroll(full)")

typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef int8_t i8x16 __attribute__((vector_size(16)));
typedef float f32x8 __attribute__((vector_size(32)));
typedef float f32x4 __attribute__((vector_size(16)));

INLINE f32x16 splat(float x) { return x - (f32x16){0}; }
INLINE i32x16 splat_int(int32_t x) { return x - (i32x16){0}; }
INLINE f32x16 load(const float *p) {
  f32x16 v;
  memcpy(&v, p, sizeof v);
  return v;
}
INLINE void put16(f32x16 v, float *p) { memcpy(p, &v, sizeof v); }
INLINE f32x16 fma16(f32x16 a, f32x16 b, f32x16 c) { return __builtin_elementwise_fma(a, b, c); }
INLINE f32x16 choose(i32x16 mask, f32x16 yes, f32x16 no) {
  return (f32x16)((mask & (i32x16)yes) | (~mask & (i32x16)no));
}
// The first `n` (0...16) floats, then zeros.
INLINE f32x16 load_part(const float *p, size_t n) {
  f32x16 v = {0};
  if (n >= 16) return load(p);
  memcpy(&v, p, n * sizeof *p);
  return v;
}
INLINE void put_part(f32x16 v, float *p, size_t n) {
  if (n >= 16) {
    put16(v, p);
  } else {
    memcpy(p, &v, n * sizeof *p);
  }
}
INLINE float add_lanes(f32x16 v) {
  f32x8 a = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
    __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  f32x4 b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
  return (b[0] + b[2]) + (b[1] + b[3]);
}
// __builtin_reduce_max goes lane by lane.
INLINE float largest_lane(f32x16 v) {
  f32x8 a = __builtin_elementwise_max(
    __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7),
    __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
  f32x4 b = __builtin_elementwise_max(
    __builtin_shufflevector(a, a, 0, 1, 2, 3), __builtin_shufflevector(a, a, 4, 5, 6, 7));
  b = __builtin_elementwise_max(b, __builtin_shufflevector(b, b, 2, 3, 0, 1));
  b = __builtin_elementwise_max(b, __builtin_shufflevector(b, b, 1, 0, 3, 2));
  return b[0];
}
INLINE f32x16 exponential16(f32x16 x) {
  f32x16 inside = __builtin_elementwise_min(
    splat(EXP_HIGHEST), __builtin_elementwise_max(splat(EXP_LOWEST), x));
  f32x16 shifted = fma16(inside, splat(EXP_LOG2E), splat(EXP_MAGIC));
  f32x16 n = shifted - splat(EXP_MAGIC);
  f32x16 r = fma16(n, splat(-EXP_LN2_LOW), fma16(n, splat(-EXP_LN2_HIGH), inside));
  f32x16 p = splat(1.0f / 720);
  p = fma16(p, r, splat(1.0f / 120));
  p = fma16(p, r, splat(1.0f / 24));
  p = fma16(p, r, splat(1.0f / 6));
  p = fma16(p, r, splat(0.5f));
  p = fma16(p, r, splat(1.0f));
  p = fma16(p, r, splat(1.0f));
  f32x16 scale = (f32x16)(((u32x16)shifted << 23) + 0x3f800000);
  return (f32x16)(~(i32x16)(x < splat(EXP_LOWEST)) & (i32x16)(p * scale));
}

// ---- matrix products --------------------------------------------------------------------------

INLINE void store_rows(
  f32x16 sum, size_t rows, const float *bias, bool accumulate, float *out
) {
  if (bias) sum += load_part(bias, rows);
  if (accumulate) sum = load_part(out, rows) + sum;
  put_part(sum, out, rows);
}

INLINE f32x16 load_weights(spark_type type, const uint8_t *panel, size_t i) {
  if (type == SPARK_F32) return load((const float *)(const void *)panel + i * 16);
  if (type == SPARK_F16) return load_halves(panel + i * 32);
  u16x16 bits;
  memcpy(&bits, panel + i * 32, sizeof bits);
  return (f32x16)(__builtin_convertvector(bits, u32x16) << 16);
}

// Weights are read as fast as memory gives them, and the hardware's prefetcher stops at page ends; asking for
// lines this far ahead bridges them, first into the second cache, then into the first.
enum { FAR_BYTES = 4096, NEAR_BYTES = 1024 };

INLINE void prefetch_near(const uint8_t *p, size_t bytes) {
  UNROLL for (size_t line = 0; line < 512; line += 64)
    if (line < bytes) __builtin_prefetch(p + NEAR_BYTES + line);
}

INLINE void prefetch(const uint8_t *p, size_t bytes) {
  UNROLL for (size_t line = 0; line < 512; line += 64)
    if (line < bytes) __builtin_prefetch(p + FAR_BYTES + line, 0, 2);
  prefetch_near(p, bytes);
}

// Columns that weights are read of before the next: 16 KiB of halves, which stay in the first cache.
enum { FLOAT_COLUMNS = 512 };

// A row's sum is that of four, of every fourth column. Registers hold FLOAT_SUMS of these at once for each token,
// all of them for one that is alone.
INLINE void multiply_floats_tile(
  spark_type type, int tile, const uint8_t *panel, const spark_activations *x, size_t first,
  size_t rows, const float *bias, bool accumulate, float *out, size_t stride
) {
  size_t k = x->k, column_bytes = type == SPARK_F32 ? 64 : 32;
  const float *from = x->x + first * k;
  const int together = tile == 1 ? 4 : FLOAT_SUMS;
  f32x16 sums[FLOAT_TILE][4];
  UNROLL for (int t = 0; t < tile; t++)
    UNROLL for (int c = 0; c < 4; c++) sums[t][c] = (f32x16){0};
  for (size_t begin = 0; begin < k; begin += FLOAT_COLUMNS) {
    size_t end = k - begin < FLOAT_COLUMNS ? k : begin + FLOAT_COLUMNS;
    UNROLL for (int c = 0; c < 4; c += together) {
      f32x16 sum[FLOAT_TILE][4];
      UNROLL for (int t = 0; t < tile; t++)
        UNROLL for (int s = 0; s < together; s++) sum[t][s] = sums[t][c + s];
      size_t i = begin;
      for (; i + 4 <= end; i += 4) {
        if (first == 0 && c == 0) prefetch(panel + i * column_bytes, 4 * column_bytes);
        UNROLL for (int s = 0; s < together; s++) {
          size_t column = i + (size_t)(c + s);
          f32x16 w = load_weights(type, panel, column);
          UNROLL for (int t = 0; t < tile; t++)
            sum[t][s] = fma16(w, splat(from[(size_t)t * k + column]), sum[t][s]);
        }
      }
      UNROLL for (int s = 0; s < together; s++) {
        size_t column = i + (size_t)(c + s);
        if (column >= end) break;
        f32x16 w = load_weights(type, panel, column);
        UNROLL for (int t = 0; t < tile; t++)
          sum[t][s] = fma16(w, splat(from[(size_t)t * k + column]), sum[t][s]);
      }
      UNROLL for (int t = 0; t < tile; t++)
        UNROLL for (int s = 0; s < together; s++) sums[t][c + s] = sum[t][s];
    }
  }
  UNROLL for (int t = 0; t < tile; t++)
    store_rows(
      (sums[t][0] + sums[t][1]) + (sums[t][2] + sums[t][3]), rows, bias, accumulate,
      out + (first + (size_t)t) * stride);
}

INLINE u8x64 load_bytes(const uint8_t *p) {
  u8x64 v;
  memcpy(&v, p, sizeof v);
  return v;
}

// The eight quads of a group as bytes, unsigned but for Q8_0.
INLINE void unpack(spark_type type, const uint8_t *group, u8x64 w[8]) {
  if (type == SPARK_Q8_0) {
    UNROLL for (int quad = 0; quad < 8; quad++) w[quad] = load_bytes(group + quad * 64);
    return;
  }
  size_t extra = record_of(type).extra;
  UNROLL for (int quad = 0; quad < 4; quad++) {
    u8x64 nibbles = load_bytes(group + extra + (size_t)quad * 64);
    w[quad] = nibbles & 15;
    w[quad + 4] = nibbles >> 4;
  }
  if (type == SPARK_Q5_0 || type == SPARK_Q5_1 || type == SPARK_Q5_K) {
    UNROLL for (int quad = 0; quad < 8; quad++)
      w[quad] = add_fifth_bit(w[quad], group + quad * 8);
  } else if (type == SPARK_Q6_K) {
    u8x64 even = load_bytes(group), odd = load_bytes(group + 64);
    w[0] |= even << 4 & 48, w[2] |= even << 2 & 48, w[4] |= even & 48, w[6] |= even >> 2 & 48;
    w[1] |= odd << 4 & 48, w[3] |= odd << 2 & 48, w[5] |= odd & 48, w[7] |= odd >> 2 & 48;
  }
}

INLINE f32x16 bytes_to_floats(const uint8_t *p, bool is_signed) {
  u8x16 bytes;
  memcpy(&bytes, p, sizeof bytes);
  return is_signed ? __builtin_convertvector((i8x16)bytes, f32x16)
                   : __builtin_convertvector(__builtin_convertvector(bytes, i32x16), f32x16);
}

// What integer sums are too large by, in sums of activations: weights are kept unsigned.
INLINE int32_t offset_of(spark_type type, int32_t q8_offset) {
  return type == SPARK_Q8_0 ? q8_offset
    : type == SPARK_Q4_0    ? 8
    : type == SPARK_Q5_0    ? 16
    : type == SPARK_Q6_K    ? 32
                            : 0;
}
INLINE int bits_of(spark_type type) {
  return type == SPARK_Q6_K ? 6 : type == SPARK_Q5_0 || type == SPARK_Q5_1 || type == SPARK_Q5_K ? 5 : 4;
}
INLINE bool has_minimum(spark_type type) {
  return type == SPARK_Q4_1 || type == SPARK_Q5_1 || type == SPARK_Q4_K || type == SPARK_Q5_K;
}

// Scales of a group's weights: one, or for Q6_K one for each half; and the minimum.
typedef struct {
  f32x16 scale, second, minimum;
} group_scales;

INLINE group_scales scales_of(spark_type type, const uint8_t *record, size_t slot) {
  group_scales s = {0};
  switch (type) {
    case SPARK_Q4_1: case SPARK_Q5_1:
      s.scale = load_halves(record);
      s.minimum = load_halves(record + 32);
      break;
    case SPARK_Q4_K: case SPARK_Q5_K:
      s.scale = load_halves(record) * bytes_to_floats(record + 64 + slot * 16, false);
      s.minimum = -(load_halves(record + 32) * bytes_to_floats(record + 192 + slot * 16, false));
      break;
    case SPARK_Q6_K:
      s.scale = load_halves(record) * bytes_to_floats(record + 64 + slot * 32, true);
      s.second = load_halves(record) * bytes_to_floats(record + 80 + slot * 32, true);
      break;
    default: s.scale = load_halves(record + slot * 32); break;
  }
  return s;
}

INLINE void multiply_quants_tile(
  spark_type type, int tile, const uint8_t *panel, const spark_activations *x, size_t first,
  size_t rows, const float *bias, bool accumulate, float *out, size_t stride
) {
  panel_record r = record_of(type);
  size_t groups = x->k / SPARK_GROUP;
  int32_t offset = offset_of(type, Q8_OFFSET);
  f32x16 sum[TOKEN_TILE];
  UNROLL for (int t = 0; t < tile; t++) sum[t] = (f32x16){0};

  for (size_t g = 0; g < groups; g++) {
    const uint8_t *record = panel + g / r.groups * record_bytes(r);
    size_t slot = g % r.groups;
    if (first == 0)
      prefetch(record + r.head + slot * r.group_bytes, r.group_bytes);
    u8x64 w[8];
    unpack(type, record + r.head + slot * r.group_bytes, w);

    group_scales s = scales_of(type, record, slot);
    UNROLL for (int t = 0; t < tile; t++) {
      size_t at = (first + (size_t)t) * groups + g;
      const int8_t *q = x->q + at * SPARK_GROUP;
      i32x16 low = {0}, high = {0};
      if (type == SPARK_Q6_K) {
        low = splat_int(x->negative_half[at * 2]) * offset;
        high = splat_int(x->negative_half[at * 2 + 1]) * offset;
      } else if (offset) {
        low = splat_int(x->negative_sum[at]) * offset;
      }
      if (type == SPARK_Q8_0) {
        UNROLL for (int quad = 0; quad < 4; quad++) {
          low = dot4_q8(low, w[quad], q + quad * 4);
          high = dot4_q8(high, w[quad + 4], q + quad * 4 + 16);
        }
      } else {
        low = dot16(low, w, q, bits_of(type));
        high = dot16(high, w + 4, q + 16, bits_of(type));
      }
      f32x16 step = splat(x->scale[at]);
      if (type == SPARK_Q6_K) {
        sum[t] = fma16(__builtin_convertvector(low, f32x16), s.scale * step, sum[t]);
        sum[t] = fma16(__builtin_convertvector(high, f32x16), s.second * step, sum[t]);
      } else {
        sum[t] = fma16(__builtin_convertvector(low + high, f32x16), s.scale * step, sum[t]);
        if (has_minimum(type)) sum[t] = fma16(s.minimum, splat(x->scaled_sum[at]), sum[t]);
      }
    }
  }
  UNROLL for (int t = 0; t < tile; t++)
    store_rows(sum[t], rows, bias, accumulate, out + (first + (size_t)t) * stride);
}

// Full tiles of tokens, then the rest in halves and quarters of a tile or one by one: which tile a token is in
// never changes its result.
#define MULTIPLY_REST(KIND, TYPE, TILE)                                                        \
  for (; t + TILE <= x->m; t += TILE)                                                          \
    multiply_##KIND##_tile(TYPE, TILE, panel, x, t, rows, bias, accumulate, out, stride);      \
  for (; t + TILE / 2 <= x->m; t += TILE / 2)                                                  \
    multiply_##KIND##_tile(TYPE, TILE / 2, panel, x, t, rows, bias, accumulate, out, stride);  \
  for (; TILE > 6 && t + TILE / 4 <= x->m; t += TILE / 4)                                      \
    multiply_##KIND##_tile(TYPE, TILE / 4, panel, x, t, rows, bias, accumulate, out, stride);  \
  for (; t < x->m; t++)                                                                        \
    multiply_##KIND##_tile(TYPE, 1, panel, x, t, rows, bias, accumulate, out, stride);
#define MULTIPLY(NAME, TYPE, KIND, TILE)                                                       \
  static void multiply_##NAME(                                                                 \
    const void *panel, const spark_activations *x, size_t rows, const float *bias,             \
    bool accumulate, float *out, size_t stride                                                 \
  ) {                                                                                          \
    size_t t = 0;                                                                              \
    MULTIPLY_REST(KIND, TYPE, TILE)                                                            \
  }
MULTIPLY(f32, SPARK_F32, floats, FLOAT_TILE)
MULTIPLY(f16, SPARK_F16, floats, FLOAT_TILE)
MULTIPLY(bf16, SPARK_BF16, floats, FLOAT_TILE)
MULTIPLY(q8_0, SPARK_Q8_0, quants, TOKEN_TILE)
MULTIPLY(q4_0, SPARK_Q4_0, quants, TOKEN_TILE)
MULTIPLY(q4_1, SPARK_Q4_1, quants, TOKEN_TILE)
MULTIPLY(q5_0, SPARK_Q5_0, quants, TOKEN_TILE)
MULTIPLY(q5_1, SPARK_Q5_1, quants, TOKEN_TILE)
MULTIPLY(q4_k, SPARK_Q4_K, quants, TOKEN_TILE)
MULTIPLY(q5_k, SPARK_Q5_K, quants, TOKEN_TILE)
MULTIPLY(q6_k, SPARK_Q6_K, quants, TOKEN_TILE)

// ---- rows -------------------------------------------------------------------------------------

// Between -limit and limit; what is not a number becomes a limit.
INLINE f32x16 bounded(f32x16 v, float limit) {
  return __builtin_elementwise_max(splat(-limit), __builtin_elementwise_min(splat(limit), v));
}

INLINE i32x16 nearest_integer(f32x16 v) {
  return __builtin_convertvector(bounded(__builtin_elementwise_rint(v), 127), i32x16);
}

static void quantize(const spark_activations *x, size_t begin, size_t end) {
  size_t groups = x->k / SPARK_GROUP;
  for (size_t at = begin * groups; at < end * groups; at++) {
    f32x16 a = load(x->x + at * SPARK_GROUP), b = load(x->x + at * SPARK_GROUP + 16);
    f32x16 magnitude = __builtin_elementwise_max(
      __builtin_elementwise_abs(a), __builtin_elementwise_abs(b));
    float largest = largest_lane(magnitude);
    float scale = largest / 127.0f;
    float inverse = largest >= SMALLEST_GROUP ? 127.0f / largest : 0;
    i32x16 qa = nearest_integer(a * splat(inverse)), qb = nearest_integer(b * splat(inverse));
    i8x16 bytes[2] = {
      __builtin_convertvector(qa, i8x16), __builtin_convertvector(qb, i8x16)};
    memcpy(x->q + at * SPARK_GROUP, bytes, sizeof bytes);
    int32_t low = __builtin_reduce_add(qa), high = __builtin_reduce_add(qb);
    x->scale[at] = scale;
    x->scaled_sum[at] = scale * (float)(low + high);
    x->negative_sum[at] = -(low + high);
    x->negative_half[at * 2] = -low;
    x->negative_half[at * 2 + 1] = -high;
  }
}

static void rms_norm(
  const float *x, const float *weight, float epsilon, size_t n, float *out
) {
  f32x16 lanes = {0};
  for (size_t i = 0; i < n; i += 16) {
    f32x16 v = load_part(x + i, n - i);
    lanes = fma16(v, v, lanes);
  }
  float scale = 1.0f / __builtin_sqrtf(add_lanes(lanes) / (float)n + epsilon);
  for (size_t i = 0; i < n; i += 16) {
    f32x16 v = load_part(x + i, n - i) * splat(scale) * load_part(weight + i, n - i);
    put_part(v, out + i, n - i);
  }
}

static void swiglu(const float *gate, const float *up, size_t n, float *out) {
  for (size_t i = 0; i < n; i += 16) {
    f32x16 g = load_part(gate + i, n - i), u = load_part(up + i, n - i);
    put_part(g / (splat(1.0f) + exponential16(-g)) * u, out + i, n - i);
  }
}

static void rotate(
  const spark_rope *rope, int32_t position, int32_t d, const float *x, float *out
) {
  int32_t pairs = rope->rotary / 2, i = 0;
  const float *cosine = rope->cosine + (size_t)position * (size_t)pairs;
  const float *sine = rope->sine + (size_t)position * (size_t)pairs;
  for (; i + 16 <= pairs; i += 16) {
    f32x16 c = load(cosine + i), s = load(sine + i), a, b;
    if (rope->interleaved) {
      f32x16 x0 = load(x + 2 * i), x1 = load(x + 2 * i + 16);
      a = __builtin_shufflevector(
        x0, x1, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
      b = __builtin_shufflevector(
        x0, x1, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    } else {
      a = load(x + i), b = load(x + i + pairs);
    }
    f32x16 ra = fma16(a, c, -(b * s)), rb = fma16(a, s, b * c);
    if (rope->interleaved) {
      put16(
        __builtin_shufflevector(ra, rb, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
        out + 2 * i);
      put16(
        __builtin_shufflevector(
          ra, rb, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31),
        out + 2 * i + 16);
    } else {
      put16(ra, out + i), put16(rb, out + i + pairs);
    }
  }
  for (; i < pairs; i++) {
    int32_t first = rope->interleaved ? 2 * i : i;
    int32_t second = rope->interleaved ? 2 * i + 1 : i + pairs;
    float a = x[first], b = x[second];
    out[first] = __builtin_fmaf(a, cosine[i], -(b * sine[i]));
    out[second] = __builtin_fmaf(a, sine[i], b * cosine[i]);
  }
  for (i = rope->rotary; i < d; i++) out[i] = x[i];
}
#include "simd_kv.h"
