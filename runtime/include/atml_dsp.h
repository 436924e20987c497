/* Which instructions replace the portable C of the inner loops: Helium (ATML_MVE: Cortex-M55), the DSP extension
 * (ATML_DSP: Cortex-M4, M7, M33), or none. Define ATML_PORTABLE to keep the C. */
#ifndef ATML_DSP_H
#define ATML_DSP_H

#if defined(__ARM_FEATURE_MVE) && !defined(ATML_PORTABLE)
#define ATML_MVE 1
#else
#define ATML_MVE 0
#endif

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && !defined(ATML_PORTABLE) && !ATML_MVE
#define ATML_DSP 1
#else
#define ATML_DSP 0
#endif

/* Built for size (-Os): convolutions pixel by pixel, without the kernel of four pixels. */
#ifndef ATML_SMALL
#ifdef __OPTIMIZE_SIZE__
#define ATML_SMALL 1
#else
#define ATML_SMALL 0
#endif
#endif

/* Built for speed: longer inner loops. */
#ifndef ATML_UNROLL
#define ATML_UNROLL 0
#endif

/* What runs seldom is built for size, also where the rest is not; behind the includes of such a file. */
#if defined(__GNUC__) && !defined(__clang__) && !ATML_UNROLL && !ATML_SMALL
#define ATML_SELDOM _Pragma("GCC optimize (\"Os\")")
#else
#define ATML_SELDOM
#endif

/* One such function. */
#if defined(__GNUC__) && !defined(__clang__) && !ATML_UNROLL && !ATML_SMALL
#define ATML_SELDOM_CALLED __attribute__((noinline, optimize("Os")))
#else
#define ATML_SELDOM_CALLED ATML_NOINLINE
#endif

#endif
