/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_number(const char *text, uint64_t *value) {
  char *end = NULL;
  *value = strtoull(text, &end, 0);
  return end != text && *end == '\0';
}

static bool parse_address(const char *text, uint32_t *value) {
  uint64_t wide = 0;
  if (!parse_number(text, &wide) || wide > UINT32_MAX) return false;
  *value = (uint32_t)wide;
  return true;
}

static bool parse_range(const char *text, struct range *range) {
  char copy[64];
  if (strlen(text) >= sizeof copy) return false;
  strcpy(copy, text);
  char *colon = strchr(copy, ':');
  if (colon == NULL) return false;
  *colon = '\0';
  return parse_address(copy, &range->low) && parse_address(colon + 1, &range->high) && range->low < range->high;
}

static bool read_layers(const char *path, struct arguments *a) {
  FILE *file = fopen(path, "r");
  if (file == NULL) return false;
  char line[64];
  bool good = true;
  while (good && fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    good = a->layer_count < kMaxLayers && parse_address(line, &a->layers[a->layer_count]);
    if (good) a->layer_count++;
  }
  fclose(file);
  return good;
}

static bool parse_one(const char *key, const char *value, struct arguments *a) {
  if (strcmp(key, "start") == 0) return parse_address(value, &a->start);
  if (strcmp(key, "stop") == 0) return parse_address(value, &a->stop);
  if (strcmp(key, "flash") == 0) return parse_range(value, &a->flash);
  if (strcmp(key, "ram") == 0) return parse_range(value, &a->ram);
  if (strcmp(key, "stack") == 0) return parse_range(value, &a->stack);
  if (strcmp(key, "limit") == 0) return parse_number(value, &a->limit) && a->limit > 0;
  if (strcmp(key, "layers") == 0) return read_layers(value, a);
  if (strcmp(key, "cache") == 0) {
    uint64_t bytes = 0;
    if (!parse_number(value, &bytes) || bytes < 128 || bytes > 65536 || (bytes & (bytes - 1)) != 0) return false;
    a->cache_sets = (uint32_t)bytes / (kCacheWays * 32u);
    return true;
  }
  if (strcmp(key, "align") == 0) {
    a->align = strcmp(value, "on") == 0;
    return a->align || strcmp(value, "off") == 0;
  }
  if (strcmp(key, "out") == 0) {
    if (strlen(value) >= sizeof a->out) return false;
    strcpy(a->out, value);
    return true;
  }
  return false;
}

bool parse_arguments(int argc, char **argv, struct arguments *a) {
  memset(a, 0, sizeof *a);
  a->limit = UINT64_MAX;
  for (int i = 0; i < argc; i++) {
    const char *equals = strchr(argv[i], '=');
    char key[16];
    bool good = equals != NULL && (size_t)(equals - argv[i]) < sizeof key;
    if (good) {
      memcpy(key, argv[i], (size_t)(equals - argv[i]));
      key[equals - argv[i]] = '\0';
      good = parse_one(key, equals + 1, a);
    }
    if (!good) {
      fprintf(stderr, "atml_count: bad argument '%s'\n", argv[i]);
      return false;
    }
  }
  a->enforce = a->flash.high != 0 && a->ram.high != 0;
  if (a->out[0] == '\0') fprintf(stderr, "atml_count: no out=FILE given\n");
  return a->out[0] != '\0';
}
