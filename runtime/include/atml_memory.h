/* memcpy, memmove and memset. A freestanding compiler may call them but need not have <string.h>: without a
 * C library they come from startup/memory.c or from the application. */
#ifndef ATML_MEMORY_H
#define ATML_MEMORY_H

#if defined(__STDC_HOSTED__) && (__STDC_HOSTED__ == 0)
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
#else
#include <string.h>
#endif

#endif
