#include "gguf_blocks.h"
#include "half.h"
#include "panel.h"

static size_t round_up_64(size_t n) { return (n + 63) & ~(size_t)63; }

size_t spark_panel_bytes(spark_type type, size_t k) {
  if (!spark_type_is_quantized(type))
    return round_up_64(k * SPARK_PANEL_ROWS * (type == SPARK_F32 ? 4 : 2));
  panel_record r = record_of(type);
  return (k / SPARK_GROUP + r.groups - 1) / r.groups * record_bytes(r);
}

// Puts the 32 quants of a group of row `lane` into its record. `quants` are signed
// for Q8_0, else unsigned: below 64 for Q6_K, 32 for five and 16 for four bits.
static void put_quants(spark_type type, const uint8_t quants[32], int lane, uint8_t *group) {
  if (type == SPARK_Q8_0) {
    for (int quad = 0; quad < 8; quad++)
      memcpy(group + quad * 64 + lane * 4, quants + quad * 4, 4);
    return;
  }
  uint8_t *nibbles = group + record_of(type).extra;
  for (int i = 0; i < 16; i++)
    nibbles[i / 4 * 64 + lane * 4 + i % 4] =
      (quants[i] & 15) | (uint8_t)((quants[i + 16] & 15) << 4);
  if (type == SPARK_Q5_0 || type == SPARK_Q5_1 || type == SPARK_Q5_K) {
    for (int i = 0; i < 32; i++) {
      int bit = lane * 4 + i % 4;
      group[i / 4 * 8 + bit / 8] |= (uint8_t)((quants[i] >> 4 & 1) << bit % 8);
    }
  } else if (type == SPARK_Q6_K) {
    for (int i = 0; i < 32; i++) {
      int quad = i / 4;
      group[quad % 2 * 64 + lane * 4 + i % 4] |= (uint8_t)((quants[i] >> 4) << quad / 2 * 2);
    }
  }
}

// Packs one row of 32-element blocks. A block begins with d, and m where it has one.
static void pack_simple_row(
  spark_type type, const uint8_t *row, size_t groups, int lane, uint8_t *panel
) {
  panel_record r = record_of(type);
  size_t block_bytes = spark_row_bytes(type, SPARK_GROUP);
  for (size_t g = 0; g < groups; g++) {
    const uint8_t *block = row + g * block_bytes;
    uint8_t *record = panel + g / r.groups * record_bytes(r);
    size_t slot = g % r.groups;
    uint8_t quants[32];
    memcpy(record + slot * 32 + lane * 2, block, 2);
    switch (type) {
      case SPARK_Q8_0:
        memcpy(quants, block + 2, sizeof quants);
        break;
      case SPARK_Q4_0: quants_of_4bit(block + 2, 0, quants); break;
      case SPARK_Q5_0: quants_of_4bit(block + 6, block + 2, quants); break;
      case SPARK_Q4_1:
        memcpy(record + 32 + lane * 2, block + 2, 2);
        quants_of_4bit(block + 4, 0, quants);
        break;
      default:  // Q5_1
        memcpy(record + 32 + lane * 2, block + 2, 2);
        quants_of_4bit(block + 8, block + 4, quants);
        break;
    }
    put_quants(type, quants, lane, record + r.head + slot * r.group_bytes);
  }
}

static void pack_k_row(
  spark_type type, const uint8_t *row, size_t groups, int lane, uint8_t *panel
) {
  panel_record r = record_of(type);
  for (size_t s = 0; s < groups / 8; s++) {
    uint8_t *record = panel + s * record_bytes(r);
    uint8_t quants[32];
    if (type == SPARK_Q6_K) {
      const block_q6_k *block = (const block_q6_k *)row + s;
      memcpy(record + lane * 2, &block->d, 2);
      for (int i = 0; i < 16; i++) record[64 + i * 16 + lane] = (uint8_t)block->scales[i];
      for (int g = 0; g < 8; g++) {
        quants_of_q6_k(block, g, quants);
        put_quants(type, quants, lane, record + r.head + (size_t)g * r.group_bytes);
      }
      continue;
    }
    const uint8_t *block = row + s * spark_row_bytes(type, 256);  // d, dm, scales, [high], q
    const uint8_t *high = type == SPARK_Q5_K ? block + 16 : 0;
    const uint8_t *q = block + (high ? 48 : 16);
    memcpy(record + lane * 2, block, 2);
    memcpy(record + 32 + lane * 2, block + 2, 2);
    for (int g = 0; g < 8; g++) {
      uint8_t *scale = record + 64 + g * 16 + lane;
      scale_and_minimum(block + 4, g, scale, scale + 128);
      quants_of_k(q, high, g, quants);
      put_quants(type, quants, lane, record + r.head + (size_t)g * r.group_bytes);
    }
  }
}

void spark_pack_panel(spark_type type, const void *rows, size_t count, size_t k, void *panel) {
  memset(panel, 0, spark_panel_bytes(type, k));
  size_t row_bytes = spark_row_bytes(type, k);
  for (size_t lane = 0; lane < count; lane++) {
    const uint8_t *row = (const uint8_t *)rows + lane * row_bytes;
    switch (type) {
      case SPARK_F32:
        for (size_t i = 0; i < k; i++)
          memcpy((uint8_t *)panel + (i * 16 + lane) * 4, row + i * 4, 4);
        break;
      case SPARK_F16: case SPARK_BF16:
        for (size_t i = 0; i < k; i++)
          memcpy((uint8_t *)panel + (i * 16 + lane) * 2, row + i * 2, 2);
        break;
      case SPARK_Q4_K: case SPARK_Q5_K: case SPARK_Q6_K:
        pack_k_row(type, row, k / SPARK_GROUP, (int)lane, panel);
        break;
      default: pack_simple_row(type, row, k / SPARK_GROUP, (int)lane, panel); break;
    }
  }
}
