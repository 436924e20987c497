/* The table of executed blocks, keyed by what identifies a translation: QEMU may translate the same
 * address again, with another length, and the same block after it has dropped its cache.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally {
  uint64_t executions;
  uint64_t taken; /* times the next block was not the one behind this block */
};

/* What an instruction did when it last used memory. */
struct access {
  uint32_t pc;
  uint32_t info; /* as QEMU passes it */
  uint32_t size; /* bytes; 0: it has not yet */
  bool store;
};

struct block {
  uint32_t pc;
  uint32_t count; /* instructions */
  uint32_t end;   /* address behind the last instruction */
  int layer;      /* index of the layer that starts at pc, or -1 */
  struct tally *tallies; /* one a layer, and one more, the first, for code before the first layer */
  struct access *accesses; /* one an instruction */
};

/* The block with this key, new with zero tallies where it is unknown. Never returns NULL: aborts when
 * memory is out. Blocks stay where they are. */
struct block *find_block(uint32_t pc, uint32_t count, uint32_t end, size_t layer_count);

/* All blocks in the order of their first translation. */
size_t block_count(void);
const struct block *block_at(size_t index);
