// The loops that limits are measured with, included once for each instruction set, which has defined:
//   NAMED(name)   a name of its own for each function
//   TILE_ROWS, TILE_VECTORS   what of a product's 32 rows and 2 vectors of columns is summed in registers
//   i32x16 dot_bytes(i32x16 sum, u8x64 b, int32_t a)   adds 4 products of bytes per lane
//   f32x16 ADD_FLOATS(f32x16 sum, f32x16 b, float a)   adds a product per lane

// Hardware prefetchers stop at page ends; asking for lines this far ahead bridges them.
enum { NAMED(read_ahead) = 2048 };

static uint64_t NAMED(read)(const void *memory, size_t bytes) {
  const u64x8 *lines = memory;
  u64x8 x[4] = {{0}};
  for (size_t i = 0; i < bytes / 64; i += 4) {
    UNROLL for (size_t c = 0; c < 4; c++) {
      __builtin_prefetch((const uint8_t *)(lines + i + c) + NAMED(read_ahead));
      x[c] ^= lines[i + c];
    }
  }
  return __builtin_reduce_xor((x[0] ^ x[1]) ^ (x[2] ^ x[3]));
}

// Rounds must not be merged into one.
#define AGAIN __asm__ volatile("" ::: "memory")

#define PRODUCT(NAME, SUM, FACTOR, WORD, DOT)                                                  \
  static void NAMED(NAME)(const void *a, const void *b, size_t times, void *out) {             \
    for (size_t row = 0; row < SPARK_PEAK_SIDE; row += TILE_ROWS) {                            \
      for (size_t column = 0; column < 2; column += TILE_VECTORS) {                            \
        SUM sum[TILE_ROWS][TILE_VECTORS];                                                      \
        UNROLL for (int r = 0; r < TILE_ROWS; r++)                                             \
          UNROLL for (int c = 0; c < TILE_VECTORS; c++) sum[r][c] = (SUM){0};                  \
        for (size_t round = 0; round < times; round++) {                                       \
          AGAIN;                                                                               \
          for (size_t w = 0; w < SPARK_PEAK_WORDS; w++) {                                      \
            const FACTOR *from = (const FACTOR *)b + w * 2 + column;                           \
            UNROLL for (int r = 0; r < TILE_ROWS; r++) {                                       \
              WORD word = ((const WORD *)a)[(row + (size_t)r) * SPARK_PEAK_WORDS + w];         \
              UNROLL for (int c = 0; c < TILE_VECTORS; c++)                                    \
                sum[r][c] = DOT(sum[r][c], from[c], word);                                     \
            }                                                                                  \
          }                                                                                    \
        }                                                                                      \
        UNROLL for (int r = 0; r < TILE_ROWS; r++)                                             \
          UNROLL for (int c = 0; c < TILE_VECTORS; c++)                                        \
            ((SUM *)out)[(row + (size_t)r) * 2 + column + (size_t)c] = sum[r][c];              \
      }                                                                                        \
    }                                                                                          \
  }

PRODUCT(floats, f32x16, f32x16, float, ADD_FLOATS)
PRODUCT(bytes, i32x16, u8x64, int32_t, dot_bytes)
