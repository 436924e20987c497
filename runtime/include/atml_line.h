/* One line of one depthwise channel, for windows of one row: with DSP instructions, with Helium or in C, same bits.
 * Each keeps the line and the taps in the form that it reads, and has
 *   atml_line                  what a layer and its channel say;
 *   atml_line_open()           once a layer; the whole line becomes padding;
 *   atml_line_taps()           one channel's taps; returns what its bias gets from the input zero point;
 *   atml_line_factors()        the rest of the channel;
 *   atml_line_load()           its inputs into the line; the padding beside them stays;
 *   atml_line_run()            its outputs. */
#ifndef ATML_LINE_H
#define ATML_LINE_H

#include "atml_dsp.h"

#if ATML_DSP
#include "atml_line_dsp.h"
#elif ATML_MVE
#include "atml_line_mve.h"
#else
#include "atml_line_c.h"
#endif

#endif
