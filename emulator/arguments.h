/* What the caller asks of the plugin: -plugin libatml_count.so,key=value,...
 *
 *   start=A stop=A       addresses of the two marker functions; counting happens between them
 *   flash=LOW:HIGH       addresses that may be read and executed, HIGH excluded
 *   ram=LOW:HIGH         addresses that may be read and written, as may those of stack
 *   stack=LOW:HIGH       the lowest address written there is reported
 *   align=on             an unaligned access ends the run (cores without unaligned loads and
 * stores) limit=N              instructions between two markers after which the run is a runaway
 *   layers=FILE          entry addresses, one a line; the last entered is the current layer
 *   cache=BYTES          of a cache for data read from flash: 4 ways of 32-byte lines; 128 to
 * 65536, a power of two out=FILE             the report (format in count.c)
 *
 * Numbers are decimal or 0x... Without flash and ram no map is enforced.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { kMaxLayers = 1024, kCacheWays = 4, kMaxCacheSets = 512 };

struct range {
  uint32_t low;
  uint32_t high; /* first address behind it */
};

static inline bool contains(struct range r, uint32_t address, uint32_t size) {
  return address >= r.low && address < r.high && r.high - address >= size;
}

struct arguments {
  uint32_t start;
  uint32_t stop;
  struct range flash;
  struct range ram;
  struct range stack;
  bool enforce;
  bool align;
  uint64_t limit;
  uint32_t layers[kMaxLayers];
  size_t layer_count;
  uint32_t cache_sets; /* 0: no cache */
  char out[512];
};

/* Returns false, with the reason on stderr, where an argument is unknown or malformed. */
bool parse_arguments(int argc, char** argv, struct arguments* arguments);
