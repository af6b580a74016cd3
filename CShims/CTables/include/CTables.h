// CTables: the few CPU instructions that tables live by and Swift has no words for. All vanish into their caller.
#ifndef CTABLES_H
#define CTABLES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// Asks for the cache line at `p`; any address will do.
static inline void ctables_prefetch(const void *p) { __builtin_prefetch(p, 0, 3); }

/// The same for a line that is about to be written.
static inline void ctables_prefetch_for_write(const void *p) { __builtin_prefetch(p, 1, 3); }

/// Which of the eight 16-bit numbers at `p` equal `tag`: bit n stands for the n-th. Compare, pack,
/// move: three instructions, where Swift's SIMD8 loops over the lanes.
static inline uint32_t ctables_match8(const void *p, uint16_t tag) {
  typedef uint16_t Tags __attribute__((ext_vector_type(8)));
  typedef _Bool Lanes __attribute__((ext_vector_type(8)));
  Tags tags;
  memcpy(&tags, p, sizeof tags);
  Lanes lanes = __builtin_convertvector(tags == (Tags)tag, Lanes);
  uint8_t mask;
  memcpy(&mask, &lanes, sizeof mask);
  return mask;
}

/// Asks the kernel to back memory that was not touched yet with huge pages where it can: random reads over megabytes
/// cost a page walk each without. Any answer will do.
void ctables_prefer_huge_pages(void *memory, size_t bytes);

#endif
