/* A build without sanitizers. */
#include "av/seal.h"

const bool av_seal_limits_memory = true;
const bool av_seal_closes_stderr = true; /* what a scan process could write there would stand in the log of the host */
const int av_seal_more_calls[] = { -1 };
