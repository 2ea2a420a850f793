// Products for prompts on the matrix unit (AMX bf16, Sapphire Rapids and later). Included after simd.h.
//
// Weights of any type become bf16 in the order that the unit takes them in, a few hundred columns at a time,
// and are multiplied with all tokens there are before the next ones: scales are applied once for all tokens, and
// sums stay in the unit. Operands are rounded to 8 bits of mantissa, sums are floats; what a token computes
// does not depend on the others.
//
// Tiles of activations: [tokens / 16][columns / 32][16 tokens][32 columns]. Of weights:
// [columns / 32][16 pairs of columns][16 rows][2]. Rows of weights come by two panels, tokens by two tiles, so
// that each tile that is loaded is used twice (2 + 2 tiles of operands, 4 of sums).
#include <immintrin.h>

enum {
  // Columns whose weights, two panels of them, stay in the first cache: 32 KiB. Activations pass by it
  // (stream loads). With more columns sums go in and out of the unit less often.
  TILE_COLUMNS = 512,
  // Rows that are kept in sums at once, for all panels of a call: 512 KiB, which leaves the second cache room
  // for the activations' columns.
  TILE_TOKENS = 512,
  TILE_FLOATS = 256,  // of a tile of sums
};

// The 64 bytes of a quad, [16 rows][4 columns], as two halves [2][16 rows][2 columns].
static const uint8_t pairs_of_quad[64] = {
  0,  1,  4,  5,  8,  9,  12, 13, 16, 17, 20, 21, 24, 25, 28, 29, 32, 33, 36, 37, 40, 41,
  44, 45, 48, 49, 52, 53, 56, 57, 60, 61, 2,  3,  6,  7,  10, 11, 14, 15, 18, 19, 22, 23,
  26, 27, 30, 31, 34, 35, 38, 39, 42, 43, 46, 47, 50, 51, 54, 55, 58, 59, 62, 63};

// [16 rows][column, next column] of two columns of 16 rows.
static const uint16_t pairs_of_columns[32] = {
  0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
  8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};

// Each lane twice: those of the first and of the second eight rows.
typedef struct {
  f32x16 first, second;
} lane_pairs;

INLINE lane_pairs twice(f32x16 v) {
  return (lane_pairs){
    __builtin_shufflevector(v, v, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7),
    __builtin_shufflevector(
      v, v, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15)};
}

INLINE f32x16 signed_bytes(__m512i bytes, int quarter) {
  __m128i part = quarter == 0 ? _mm512_castsi512_si128(bytes)
    : quarter == 1            ? _mm512_extracti32x4_epi32(bytes, 1)
    : quarter == 2            ? _mm512_extracti32x4_epi32(bytes, 2)
                              : _mm512_extracti32x4_epi32(bytes, 3);
  return (f32x16)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(part));
}

INLINE void put_pairs(f32x16 low, f32x16 high, uint16_t *out) {
  _mm512_store_si512(out, (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low));
}

// Columns [group * 32, (group + count) * 32) of a panel.
INLINE void expand_quants(
  spark_type type, const uint8_t *panel, size_t group, size_t count, uint16_t *out
) {
  panel_record r = record_of(type);
  __m512i order = _mm512_loadu_si512(pairs_of_quad);
  __m512i offset = _mm512_set1_epi8((char)offset_of(type, 0));
  for (size_t g = group; g < group + count; g++) {
    const uint8_t *record = panel + g / r.groups * record_bytes(r);
    size_t slot = g % r.groups;
    u8x64 w[8];
    unpack(type, record + r.head + slot * r.group_bytes, w);
    group_scales s = scales_of(type, record, slot);
    lane_pairs low = twice(s.scale), high = type == SPARK_Q6_K ? twice(s.second) : low;
    lane_pairs minimum = twice(s.minimum);
    UNROLL for (int quad = 0; quad < 8; quad++) {
      lane_pairs scale = quad < 4 ? low : high;
      __m512i bytes = _mm512_permutexvar_epi8(order, _mm512_sub_epi8((__m512i)w[quad], offset));
      UNROLL for (int half = 0; half < 2; half++) {
        f32x16 first = signed_bytes(bytes, half * 2), second = signed_bytes(bytes, half * 2 + 1);
        if (has_minimum(type)) {
          first = fma16(first, scale.first, minimum.first);
          second = fma16(second, scale.second, minimum.second);
        } else {
          first *= scale.first, second *= scale.second;
        }
        put_pairs(first, second, out);
        out += 32;
      }
    }
  }
}

INLINE void expand_floats(
  spark_type type, const uint8_t *panel, size_t group, size_t count, uint16_t *out
) {
  __m512i order = _mm512_loadu_si512(pairs_of_columns);
  size_t column_bytes = type == SPARK_F32 ? 64 : 32;
  for (size_t i = group * 32; i < (group + count) * 32; i += 2, out += 32) {
    __m512i columns = type == SPARK_BF16
      ? _mm512_loadu_si512(panel + i * column_bytes)
      : (__m512i)_mm512_cvtne2ps_pbh(
          (__m512)load_weights(type, panel, i + 1), (__m512)load_weights(type, panel, i));
    _mm512_store_si512(out, _mm512_permutexvar_epi16(order, columns));
  }
}

static void expand(
  spark_type type, const uint8_t *panel, size_t group, size_t count, uint16_t *out
) {
  switch (type) {
    case SPARK_F32: expand_floats(SPARK_F32, panel, group, count, out); break;
    case SPARK_F16: expand_floats(SPARK_F16, panel, group, count, out); break;
    case SPARK_BF16: expand_floats(SPARK_BF16, panel, group, count, out); break;
    case SPARK_Q4_0: expand_quants(SPARK_Q4_0, panel, group, count, out); break;
    case SPARK_Q4_1: expand_quants(SPARK_Q4_1, panel, group, count, out); break;
    case SPARK_Q5_0: expand_quants(SPARK_Q5_0, panel, group, count, out); break;
    case SPARK_Q5_1: expand_quants(SPARK_Q5_1, panel, group, count, out); break;
    case SPARK_Q8_0: expand_quants(SPARK_Q8_0, panel, group, count, out); break;
    case SPARK_Q4_K: expand_quants(SPARK_Q4_K, panel, group, count, out); break;
    case SPARK_Q5_K: expand_quants(SPARK_Q5_K, panel, group, count, out); break;
    default: expand_quants(SPARK_Q6_K, panel, group, count, out); break;
  }
}

static void fill_tiles(const spark_activations *x, size_t begin, size_t end) {
  size_t groups = x->k / SPARK_GROUP;
  for (size_t t = begin; t < end; t++) {
    size_t at = t - x->prompt;
    uint16_t *out = x->tiles + at / 16 * groups * 512 + at % 16 * 32;
    for (size_t g = 0; g < groups; g++) {
      const float *from = x->x + t * x->k + g * SPARK_GROUP;
      put_pairs(load(from), load(from + 16), out + g * 512);
    }
  }
}

// Adds the products of `tokens` tiles of tokens (1 or 2) and of two panels to four tiles of sums.
INLINE void multiply_pair(
  int tokens, const uint16_t *x, size_t next_tokens, const uint16_t *weights, size_t groups,
  bool begins, float *sums
) {
  const uint16_t *second = weights + groups * 512;
  if (begins) {
    _tile_zero(0), _tile_zero(1);
    if (tokens == 2) _tile_zero(2), _tile_zero(3);
  } else {
    _tile_loadd(0, sums, 64), _tile_loadd(1, sums + TILE_FLOATS, 64);
    if (tokens == 2)
      _tile_loadd(2, sums + 2 * TILE_FLOATS, 64), _tile_loadd(3, sums + 3 * TILE_FLOATS, 64);
  }
  for (size_t g = 0; g < groups; g++) {
    _tile_stream_loadd(4, x + g * 512, 64);
    _tile_loadd(6, weights + g * 512, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, second + g * 512, 64);
    _tile_dpbf16ps(1, 4, 7);
    if (tokens == 2) {
      _tile_stream_loadd(5, x + next_tokens + g * 512, 64);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, sums, 64), _tile_stored(1, sums + TILE_FLOATS, 64);
  if (tokens == 2)
    _tile_stored(2, sums + 2 * TILE_FLOATS, 64), _tile_stored(3, sums + 3 * TILE_FLOATS, 64);
}

// Lines of the two panels whose columns are expanded next, fetched bit by bit while the unit is busy.
typedef struct {
  const uint8_t *first, *second;
  size_t left, share;
} lines_ahead;

// Those from `group` of `groups` on, shared out over `tokens`.
INLINE lines_ahead lines_of(
  const uint8_t *panel, size_t panel_bytes, size_t group, size_t groups, size_t tokens
) {
  size_t end = group + TILE_COLUMNS / SPARK_GROUP;
  size_t from = panel_bytes * group / groups, to = panel_bytes * (end < groups ? end : groups) / groups;
  size_t lines = (to - from) / 64;
  return (lines_ahead){
    panel + from, panel + panel_bytes + from, lines, lines / ((tokens + 31) / 32) + 1};
}

INLINE void fetch(lines_ahead *ahead) {
  for (size_t n = ahead->share; n > 0 && ahead->left > 0; n--, ahead->left--) {
    __builtin_prefetch(ahead->first, 0, 2), ahead->first += 64;
    __builtin_prefetch(ahead->second, 0, 2), ahead->second += 64;
  }
}

// Sums of a pair of panels: [tokens / 32][2 tiles of tokens][2 panels][16 tokens][16 rows].
static void put_sums(
  const float *sums, size_t tokens, size_t rows, const float *bias, bool accumulate, float *out,
  size_t stride
) {
  for (size_t t = 0; t < tokens; t++) {
    const float *from = sums + t / 16 * 2 * TILE_FLOATS + t % 16 * 16;
    f32x16 first = load(from), second = load(from + TILE_FLOATS);
    store_rows(first, rows < 16 ? rows : 16, bias, accumulate, out + t * stride);
    if (rows > 16)
      store_rows(
        second, rows - 16 < 16 ? rows - 16 : 16, bias ? bias + 16 : NULL, accumulate,
        out + t * stride + 16);
  }
}

static void multiply_tiles(
  spark_type type, const uint8_t *panels, size_t panel_bytes, const spark_activations *x, size_t rows,
  const float *bias, bool accumulate, float *out, size_t stride
) {
  _Alignas(64) uint16_t weights[2 * 16 * TILE_COLUMNS];
  _Alignas(64) float sums[SPARK_TILE_PANELS / 2][TILE_TOKENS / 32][4 * TILE_FLOATS];
  amx_shapes shapes = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) shapes.rows[tile] = 16, shapes.column_bytes[tile] = 64;
  _tile_loadconfig(&shapes);
  size_t groups = x->k / SPARK_GROUP, tokens = x->m - x->prompt;
  for (size_t first = 0; first < tokens; first += TILE_TOKENS) {
    size_t count = tokens - first < TILE_TOKENS ? tokens - first : TILE_TOKENS;
    for (size_t g = 0; g < groups; g += TILE_COLUMNS / SPARK_GROUP) {
      size_t width = groups - g < TILE_COLUMNS / SPARK_GROUP ? groups - g : TILE_COLUMNS / SPARK_GROUP;
      for (size_t row = 0; row < rows; row += 32) {
        const uint8_t *panel = panels + row / 16 * panel_bytes;
        expand(type, panel, g, width, weights);
        // The last panel may have none beside it; whatever is there then is not stored.
        if (row + 16 < rows) expand(type, panel + panel_bytes, g, width, weights + width * 512);
        bool is_last = row + 32 >= rows;
        lines_ahead ahead = lines_of(
          is_last ? panels : panel + 2 * panel_bytes, panel_bytes, is_last ? g + width : g, groups, count);
        for (size_t t = 0; t < count; t += 32) {
          fetch(&ahead);
          const uint16_t *from = x->tiles + ((first + t) / 16 * groups + g) * 512;
          float *to = sums[row / 32][t / 32];
          if (count - t > 16) {
            multiply_pair(2, from, groups * 512, weights, width, g == 0, to);
          } else {
            multiply_pair(1, from, 0, weights, width, g == 0, to);
          }
        }
      }
    }
    for (size_t row = 0; row < rows; row += 32)
      put_sums(
        sums[row / 32][0], count, rows - row, bias ? bias + row : NULL, accumulate,
        out + (x->prompt + first) * stride + row, stride);
  }
  _tile_release();
}
