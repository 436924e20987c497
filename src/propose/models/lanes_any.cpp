#define ATML_LANES_NAME lanes_any
#define ATML_LANES_BYTES 32
#include "propose/models/lanes_loops.inc"
