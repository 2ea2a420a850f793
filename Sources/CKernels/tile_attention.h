// Attention of a prompt's queries on the matrix unit (AMX bf16). Included after simd.h and tiles.h.
//
// As in `attend`, one online softmax runs across all spans in their order. Keys and values of a block become
// tiles once for all queries of a call, and keys are turned to where the block stands meanwhile: cheaper there
// than turning every query for every block, as all tokens of a block turn by one angle. Scores and weights are
// floats, and weights are rounded to bf16 where they meet values. The softmax is that of powers of two: queries are
// multiplied by log2(e) where they become tiles. Sixteen queries share a tile and its instructions, but what a query
// computes does not depend on the others, nor on what is skipped because it would change nothing.
//
// Heads are multiples of 32 and no longer than TILE_HEAD; blocks are multiples of 16.

enum { TILE_HEAD = 256 };

// Two rows of 16 floats as pairs, behind `pairs` pairs of rows of `width` vectors:
// [pairs / 16][width][16 pairs][16][2].
INLINE void put_rows(f32x16 even, f32x16 odd, size_t pair, size_t width, size_t v, uint16_t *out) {
  __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)odd, (__m512)even);
  _mm512_store_si512(
    out + ((pair / 16 * width + v) * 16 + pair % 16) * 32,
    _mm512_permutexvar_epi16(_mm512_loadu_si512(pairs_of_columns), both));
}

// Values of `pairs` pairs of tokens, [2 * pairs][stride] from `first`, of which 16 * width are taken.
INLINE void fill_values(
  spark_kv_type type, const uint8_t *base, size_t first, size_t stride, size_t pairs, size_t width,
  uint16_t *out
) {
  for (size_t pair = 0; pair < pairs; pair++)
    for (size_t v = 0; v < width; v++) {
      size_t at = first + pair * 2 * stride + v * 16;
      put_rows(
        load_kv(type, base, at), load_kv(type, base, at + stride), pair, width, v, out);
    }
}

// Keys of 16 * width tokens, [d][length] from `first`, turned by `start` tokens. Channels that turn together are a
// pair of rows, in whatever places they are: see `pair_up`.
INLINE void fill_keys(
  const spark_attention *job, const uint8_t *base, size_t first, int32_t start, size_t width,
  uint16_t *out
) {
  const spark_kv_layout *l = job->layout;
  const spark_rope *rope = job->rope;
  size_t length = (size_t)l->block_length, pairs = (size_t)rope->rotary / 2;
  size_t table = (size_t)(start < 0 ? -start : start) * pairs;
  // The table's numbers may have a common factor, which the keys have been given already: cos 0.
  float unit = pairs > 0 ? 1 / rope->cosine[0] : 1;
  for (size_t pair = 0; pair < (size_t)l->d / 2; pair++) {
    bool turns = pair < pairs;
    size_t even = turns && !rope->interleaved ? pair : 2 * pair;
    size_t odd = turns && !rope->interleaved ? pair + pairs : 2 * pair + 1;
    f32x16 cosine = splat(turns ? rope->cosine[table + pair] * unit : 1);
    f32x16 sine = splat(turns ? rope->sine[table + pair] * (start < 0 ? -unit : unit) : 0);
    for (size_t v = 0; v < width; v++) {
      f32x16 x = load_kv(l->type, base, first + v * 16 + even * length);
      f32x16 y = load_kv(l->type, base, first + v * 16 + odd * length);
      put_rows(fma16(x, cosine, -(y * sine)), fma16(x, sine, y * cosine), pair, width, v, out);
    }
  }
}

// A rotated query with its channels in the order of `fill_keys`: those that turn together side by side.
INLINE void pair_up(const spark_rope *rope, size_t d, const float *x, float *out) {
  size_t pairs = rope->interleaved ? 0 : (size_t)rope->rotary / 2;
  for (size_t pair = 0; pair < pairs; pair++)
    out[2 * pair] = x[pair], out[2 * pair + 1] = x[pair + pairs];
  memcpy(out + 2 * pairs, x + 2 * pairs, (d - 2 * pairs) * sizeof(float));
}

// What is kept of 16 queries from span to span. Behind the last query of all come zeros, whose sums nobody reads.
typedef struct {
  _Alignas(64) float sums[16 * TILE_HEAD];  // values seen so far, weighted: [16][d]
  f32x16 total;                             // of their weights
  _Alignas(64) float largest[16];           // scores so far; finite even where there are none
  int32_t position[16];                     // never falls
} query_tile;

// 2^x with a relative error of at most 3.1e-6 (a bf16 has 4e-3), exactly 1 for 0, and 0 below -126: numbers that small
// take the processor 50 times as long. floor(x) becomes the exponent, and the rest goes through the polynomial of
// degree 4 with the least relative error on [0, 1] of those that are 1 at 0, found with Remez' exchange.
INLINE f32x16 power_of_two(f32x16 x) {
  f32x16 rest = (f32x16)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  f32x16 p = splat(0.01342668429f);
  p = fma16(p, rest, splat(0.05224247419f));
  p = fma16(p, rest, splat(0.24128020477f));
  p = fma16(p, rest, splat(0.69304484490f));
  p = fma16(p, rest, splat(1));
  __mmask16 counts = _mm512_cmp_ps_mask((__m512)x, (__m512)splat(-126), _CMP_NLT_UQ);
  return (f32x16)_mm512_maskz_scalef_ps(counts, (__m512)p, (__m512)x);
}

// One instruction, unlike __builtin_elementwise_max: if either is not a number, b.
INLINE f32x16 larger(f32x16 a, f32x16 b) { return (f32x16)_mm512_max_ps((__m512)a, (__m512)b); }

INLINE f32x16 join(bool adds, f32x16 a, f32x16 b) { return adds ? a + b : larger(a, b); }

// The sum, or the largest, of each row's lanes, row q's in lane q: one tree for all rows.
INLINE f32x16 join_rows(bool adds, f32x16 rows[16]) {
  UNROLL for (int q = 0; q < 8; q++)
    rows[q] = join(
      adds,
      __builtin_shufflevector(
        rows[q], rows[q + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
      __builtin_shufflevector(
        rows[q], rows[q + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31));
  UNROLL for (int q = 0; q < 4; q++)
    rows[q] = join(
      adds,
      __builtin_shufflevector(
        rows[q], rows[q + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
      __builtin_shufflevector(
        rows[q], rows[q + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31));
  UNROLL for (int q = 0; q < 2; q++)
    rows[q] = join(
      adds,
      __builtin_shufflevector(
        rows[q], rows[q + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
      __builtin_shufflevector(
        rows[q], rows[q + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31));
  return join(
    adds,
    __builtin_shufflevector(
      rows[0], rows[1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
    __builtin_shufflevector(
      rows[0], rows[1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31));
}

// Scores, [16][width], of the tokens that a query does not see become those of weight 0. There are none where all
// 16 see the whole span.
INLINE void hide(const query_tile *tile, const spark_span *span, size_t width, float *scores) {
  static const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  int32_t columns = (int32_t)width;
  if (span->first <= 0 && span->count == columns && tile->position[0] - span->start >= columns - 1) return;
  for (int32_t q = 0; q < 16; q++) {
    int32_t visible = tile->position[q] - span->start + 1;
    i32x16 seen = splat_int(visible < span->count ? visible : span->count);
    for (int32_t j = 0; j < columns; j += 16) {
      i32x16 column = lane + j;
      i32x16 shown = (column < seen) & (column >= splat_int(span->first));
      float *score = scores + q * columns + j;
      put16(choose(shown, load(score), splat(-__builtin_inff())), score);
    }
  }
}

// Weights of 16 queries for the tokens of a span, from their scores, [16][width], which are in powers of two. Makes
// the sums so far those beside these weights.
INLINE void weigh(
  query_tile *tile, size_t d, const spark_span *span, size_t width, float *scores, uint16_t *weights
) {
  hide(tile, span, width, scores);
  f32x16 rows[16];  // lanes of each query, all in registers
  UNROLL for (int q = 0; q < 16; q++) rows[q] = load(scores + (size_t)q * width);
  for (size_t j = 16; j < width; j += 16)
    UNROLL for (int q = 0; q < 16; q++) rows[q] = larger(rows[q], load(scores + (size_t)q * width + j));
  f32x16 before = load(tile->largest), largest = larger(join_rows(false, rows), before);
  f32x16 keep = power_of_two(before - largest);
  put16(largest, tile->largest);

  UNROLL for (int q = 0; q < 16; q++) rows[q] = splat(0);
  for (size_t j = 0; j < width; j += 32)
    UNROLL for (int q = 0; q < 16; q++) {
      const float *score = scores + (size_t)q * width + j;
      f32x16 low = power_of_two(load(score) - splat(tile->largest[q]));
      f32x16 high = power_of_two(load(score + 16) - splat(tile->largest[q]));
      rows[q] += low + high;
      put_pairs(low, high, weights + j * 16 + q * 32);
    }
  tile->total = fma16(tile->total, keep, join_rows(true, rows));

  // Elsewhere it is 1.
  for (uint32_t left = _mm512_movepi32_mask((__m512i)(largest > before)); left; left &= left - 1) {
    size_t q = (size_t)__builtin_ctz(left);
    for (size_t i = q * d; i < (q + 1) * d; i += 16)
      put16(load(tile->sums + i) * splat(keep[q]), tile->sums + i);
  }
}

// out, [16][16 * width], (+)= x times `width` (1...4) tiles of columns that lie side by side in each group.
INLINE void multiply_strip(
  int width, const uint16_t *x, const uint16_t *columns, size_t next_group, size_t groups, bool adds,
  float *out, size_t stride
) {
  if (adds) {
    _tile_loadd(0, out, stride);
    if (width > 1) _tile_loadd(1, out + 16, stride);
    if (width > 2) _tile_loadd(2, out + 32, stride);
    if (width > 3) _tile_loadd(3, out + 48, stride);
  } else {
    _tile_zero(0), _tile_zero(1), _tile_zero(2), _tile_zero(3);
  }
  for (size_t g = 0; g < groups; g++) {
    const uint16_t *from = columns + g * next_group;
    _tile_loadd(4, x + g * 512, 64);
    _tile_loadd(5, from, 64);
    _tile_dpbf16ps(0, 4, 5);
    if (width > 1) _tile_loadd(6, from + 512, 64), _tile_dpbf16ps(1, 4, 6);
    if (width > 2) _tile_loadd(7, from + 1024, 64), _tile_dpbf16ps(2, 4, 7);
    if (width > 3) _tile_loadd(5, from + 1536, 64), _tile_dpbf16ps(3, 4, 5);
  }
  _tile_stored(0, out, stride);
  if (width > 1) _tile_stored(1, out + 16, stride);
  if (width > 2) _tile_stored(2, out + 32, stride);
  if (width > 3) _tile_stored(3, out + 48, stride);
}

// The same for `width` of any number.
INLINE void multiply_strips(
  size_t width, const uint16_t *x, const uint16_t *columns, size_t groups, bool adds, float *out,
  size_t stride
) {
  size_t v = 0, next = width * 512;
  for (; v + 4 <= width; v += 4)
    multiply_strip(4, x, columns + v * 512, next, groups, adds, out + v * 16, stride);
  if (v + 2 <= width) {
    multiply_strip(2, x, columns + v * 512, next, groups, adds, out + v * 16, stride);
    v += 2;
  }
  if (v < width) multiply_strip(1, x, columns + v * 512, next, groups, adds, out + v * 16, stride);
}

static void attend_tiles(
  const spark_attention *job, const spark_run *run, int32_t kv_head, int32_t first, int32_t count
) {
  const spark_kv_layout *l = job->layout;
  size_t d = (size_t)l->d, group = (size_t)(job->heads / l->kv_heads), head = (size_t)kv_head;
  size_t length = (size_t)l->block_length, stride = (size_t)l->value_stride;
  query_tile tiles[SPARK_PROMPT_TILE / 16];
  _Alignas(64) uint16_t keys[TILE_HEAD * SPARK_MAX_BLOCK], values[TILE_HEAD * SPARK_MAX_BLOCK];
  _Alignas(64) uint16_t queries[SPARK_PROMPT_TILE * TILE_HEAD];
  _Alignas(64) uint16_t weights[2][16 * SPARK_MAX_BLOCK];
  _Alignas(64) float scores[2][16 * SPARK_MAX_BLOCK];
  _Alignas(64) float rotated[TILE_HEAD], paired[TILE_HEAD];
  int32_t end = (count + 15) / 16;
  size_t at[SPARK_PROMPT_TILE];
  for (int32_t q = 0; q < end * 16; q++) {
    query_tile *tile = &tiles[q / 16];
    uint16_t *to = queries + (size_t)(q / 16) * 16 * d + q % 16 * 32;
    size_t index = (size_t)(first + (q < count ? q : count - 1)), row = index / group;
    tile->position[q % 16] = run->position + (int32_t)row;
    if (q % 16 == 0) {
      tile->total = splat(0);
      put16(splat(-FLT_MAX), tile->largest);
      memset(tile->sums, 0, 16 * d * sizeof(float));
    }
    if (q >= count) {
      for (size_t i = 0; i < d; i += 32) memset(to + i * 16, 0, 64);
      continue;
    }
    at[q] = (((size_t)run->row + row) * (size_t)job->heads + head * group + index % group) * d;
    rotate(job->rope, tile->position[q % 16], l->d, job->query + at[q], rotated);
    pair_up(job->rope, d, rotated, paired);
    f32x16 scale = splat(job->scale * EXP_LOG2E);
    for (size_t i = 0; i < d; i += 32)
      put_pairs(load(paired + i) * scale, load(paired + i + 16) * scale, to + i * 16);
  }
  amx_shapes shapes = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) shapes.rows[tile] = 16, shapes.column_bytes[tile] = 64;
  _tile_loadconfig(&shapes);

  for (int32_t s = run->span; s < run->span + run->spans; s++) {
    const spark_span *span = &job->spans[s];
    // Positions never fall, so the tiles that see nothing come first.
    int32_t from = 0;
    while (from < end && tiles[from].position[15] < span->start + span->first) from++;
    if (span->count <= 0 || from == end) continue;
    const uint8_t *base = span->block + (size_t)job->layer * span->stride;
    size_t columns = ((size_t)span->count + 15) / 16 * 16, groups = (columns + 31) / 32;
    fill_keys(job, base, head * d * length, span->start, columns / 16, keys);
    // Rows of tokens come in pairs, and pairs by sixteen; those behind the last have no weight.
    if (columns % 32)
      memset(values + (groups - 1) * 512 * (d / 16), 0, d / 16 * 1024);
    fill_values(
      l->type, base, (size_t)l->kv_heads * d * length + head * length * stride, stride, columns / 2,
      d / 16, values);

    // Three steps for three tiles of queries in turns, as what the unit has stored, and what it is to load, is on its
    // way for a while.
    for (int32_t t = from; t < end + 2; t++) {
      if (t < end)
        multiply_strips(
          columns / 16, queries + (size_t)t * 16 * d, keys, d / 32, false, scores[t % 2],
          groups * 32 * sizeof(float));
      if (t >= from + 2)
        multiply_strips(
          d / 16, weights[t % 2], values, groups, true, tiles[t - 2].sums, d * sizeof(float));
      if (t > from && t <= end)
        weigh(&tiles[t - 1], d, span, groups * 32, scores[(t - 1) % 2], weights[(t - 1) % 2]);
    }
  }
  _tile_release();

  for (int32_t t = 0; t < end; t++) {
    f32x16 inverse = splat(1) / tiles[t].total;
    for (int32_t q = 0; q < 16 && t * 16 + q < count; q++)
      for (size_t i = 0; i < d; i += 16)
        put16(
          load(tiles[t].sums + (size_t)q * d + i) * splat(inverse[q]),
          job->out + at[t * 16 + q] + i);
  }
}
