// CSegment: the layouts of the shared-memory segment, for the forwarder that writes it and for readers in any language.
//
// Everything is in the host's byte order and naturally aligned; every offset is asserted below its struct, because a
// reader may be older or newer than the writer. `docs/segment.md` tells the story.
#ifndef CSEGMENT_H
#define CSEGMENT_H

#include "segment_file.h"
#include "segment_conntrack.h"
#include "segment_events.h"
#include "segment_fragments.h"
#include "segment_records.h"
#include "segment_rules.h"

#include <stddef.h>
#include <stdint.h>

/// Takes the write lock of an open lock file, which the kernel gives back when `fd` is closed, whatever ends the
/// process. Returns 0, or -1 with errno (EAGAIN: another owner lives).
int segment_lock(int fd);

/// Asks, without taking it, whether the write lock of an open lock file is held: 1 or 0, or -1 with errno.
int segment_is_locked(int fd);

/// FNV-1a, 64 bits, over `size` bytes, going on from `seed` (`SEGMENT_CHECKSUM_SEED` at the beginning).
uint64_t segment_checksum(const void *bytes, size_t size, uint64_t seed);

/// Copies `count` 64-bit words that another process may be storing, each in one load and in order.
void segment_copy(uint64_t *to, const uint64_t *from, size_t count);

#endif
