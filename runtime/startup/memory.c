/* The memory functions that compilers may call, for firmware linked without a C library. Word by word
 * where both ends allow it. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);

void *memcpy(void *to, const void *from, size_t count) {
  uint8_t *t = to;
  const uint8_t *f = from;
  if ((((uintptr_t)t | (uintptr_t)f) & 3u) == 0u) {
    for (; count >= 4u; count -= 4u) {
      *(uint32_t *)(void *)t = *(const uint32_t *)(const void *)f;
      t += 4;
      f += 4;
    }
  }
  for (; count != 0u; count--) {
    *t = *f;
    t++;
    f++;
  }
  return to;
}

void *memmove(void *to, const void *from, size_t count) {
  uint8_t *t = to;
  const uint8_t *f = from;
  if ((uintptr_t)t <= (uintptr_t)f) {
    return memcpy(to, from, count);
  }
  while (count != 0u) {
    count--;
    t[count] = f[count];
  }
  return to;
}

void *memset(void *to, int value, size_t count) {
  uint8_t *t = to;
  for (; count != 0u; count--) {
    *t = (uint8_t)value;
    t++;
  }
  return to;
}
