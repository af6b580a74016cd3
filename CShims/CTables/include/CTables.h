// CTables: the few CPU instructions that tables live by and Swift has no words for. All vanish into their caller.
#ifndef CTABLES_H
#define CTABLES_H

#include <stdint.h>

/// Asks for the cache line at `p`; any address will do.
static inline void ctables_prefetch(const void *p) { __builtin_prefetch(p, 0, 3); }

/// The same for a line that is about to be written.
static inline void ctables_prefetch_for_write(const void *p) { __builtin_prefetch(p, 1, 3); }

#endif
