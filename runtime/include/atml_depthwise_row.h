/* One row of one depthwise channel: C (depthwise_row.c) or with DSP instructions (dsp_depthwise_row.c),
 * same bits, same symbols. */
#ifndef ATML_DEPTHWISE_ROW_H
#define ATML_DEPTHWISE_ROW_H

#include <stdint.h>

#include "atml_depthwise_channel.h"

#define ATML_DEPTHWISE_ROWS 8 /* most kernel rows */

/* int8 [rows][row_taps] -> the form that atml_depthwise_row() reads; at most
 * 2 x rows x (row_taps + 1) halfwords. Returns their sum. */
int32_t atml_depthwise_pack_taps(const int8_t *source, int16_t *taps, const atml_packed_depthwise *p);

/* rows[r]: row r of the window, padding included, from its first column on. Of the channel only what says
 * "a row's own" is written. */
void atml_depthwise_row(int16_t *const *rows, int8_t *out, const atml_packed_depthwise *p,
                        atml_depthwise_channel *channel);

#endif
