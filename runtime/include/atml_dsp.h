/* Whether the assembly for the DSP extension (Cortex-M4, M7, M33, M55) replaces the portable C. Define
 * ATML_PORTABLE to keep the C. */
#ifndef ATML_DSP_H
#define ATML_DSP_H

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && !defined(ATML_PORTABLE)
#define ATML_DSP 1
#else
#define ATML_DSP 0
#endif

#endif
