/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "blocks.h"

#include <stdlib.h>
#include <string.h>

/* Open addressing over indices into a list of pointers; doubles when three quarters full. */
static struct block **list;
static size_t used;
static size_t room;
static size_t *slots; /* index + 1, or 0 where free */
static size_t slot_count;

static void *checked(void *memory) {
  if (memory == NULL) abort();
  return memory;
}

static size_t slot_of(uint32_t pc, uint32_t count, uint32_t end) {
  const uint64_t key = ((uint64_t)pc << 32) ^ ((uint64_t)end << 8) ^ count;
  return (size_t)((key * 0x9E3779B97F4A7C15u) >> 32) & (slot_count - 1);
}

static void grow(void) {
  slot_count = slot_count == 0 ? 1024 : 2 * slot_count;
  free(slots);
  slots = checked(calloc(slot_count, sizeof *slots));
  for (size_t i = 0; i < used; i++) {
    size_t slot = slot_of(list[i]->pc, list[i]->count, list[i]->end);
    while (slots[slot] != 0) slot = (slot + 1) & (slot_count - 1);
    slots[slot] = i + 1;
  }
}

static struct block *append(uint32_t pc, uint32_t count, uint32_t end, size_t layer_count) {
  if (used == room) {
    room = room == 0 ? 512 : 2 * room;
    list = checked(realloc(list, room * sizeof(struct block *)));
  }
  struct block *block = checked(malloc(sizeof *block));
  *block = (struct block){.pc = pc, .count = count, .end = end, .layer = -1};
  block->tallies = checked(calloc(layer_count + 1, sizeof(struct tally)));
  block->accesses = checked(calloc(count, sizeof(struct access)));
  list[used++] = block;
  return block;
}

struct block *find_block(uint32_t pc, uint32_t count, uint32_t end, size_t layer_count) {
  if (4 * (used + 1) > 3 * slot_count) grow();
  size_t slot = slot_of(pc, count, end);
  for (; slots[slot] != 0; slot = (slot + 1) & (slot_count - 1)) {
    struct block *block = list[slots[slot] - 1];
    if (block->pc == pc && block->count == count && block->end == end) return block;
  }
  struct block *block = append(pc, count, end, layer_count);
  slots[slot] = used;
  return block;
}

size_t block_count(void) { return used; }
const struct block *block_at(size_t index) { return list[index]; }
